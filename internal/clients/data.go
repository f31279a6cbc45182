package clients

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// maxProfileBody bounds the bodies of sealed data, in bytes.
const maxProfileBody = 64 << 10

// sealedData is data that a mini program's client gets from WeChat and cannot
// read itself (wechat-protocol D2).
type sealedData struct {
	Code          string `json:"code"` // of the phone button
	RawData       string `json:"rawData"`
	Signature     string `json:"signature"`
	EncryptedData string `json:"encryptedData"`
	IV            string `json:"iv"`
}

// miniProfile accepts the nickname and avatar that WeChat's client sends. It
// never takes the identity from them: the encryption does not authenticate the
// data, but the unionid of a wx.login is authentic (attack: a visitor changes
// the ciphertext into another visitor's data).
func (e Endpoints) miniProfile(w http.ResponseWriter, r *site.Request, a wechat.Account) {
	var body sealedData
	if !e.requireTokenOf(w, r, a) || !response.ReadJSON(w, r.Request, maxProfileBody, &body) {
		return
	}
	envelope, err := e.envelope(r, &body)
	var profile wechat.MiniProfile
	if err == nil {
		err = wechat.VerifyRawData(envelope.SessionKey, body.RawData, body.Signature)
	}
	if err == nil {
		profile, err = envelope.Profile(time.Now())
	}
	if err == nil && profile.Nickname != "" {
		// WeChat gives 微信用户 with the grey avatar without asking the visitor: it
		// is neither a profile nor a consent, and overwrites nothing.
		err = e.record(r, ledger.Observation{
			Consent: true, Profile: &ledger.Profile{Nickname: profile.Nickname, AvatarURL: profile.AvatarURL},
		})
	}
	if err == nil {
		r.Identity = nil
		err = e.IdentifyToken(r)
	}
	switch {
	case err != nil:
		e.writeDataError(w, r, a, err)
	case r.Refused != nil:
		site.NotAllowedJSON(w, r)
	case r.Identity == nil:
		e.RefuseToken(w)
	default:
		user := site.NewUser(r.Identity)
		response.WriteJSON(w, http.StatusOK, tokenJSON{Code: http.StatusOK, User: &user})
	}
}

// miniPhone accepts the visitor's phone number: as the code of the phone
// button, or encrypted, from older versions of WeChat.
func (e Endpoints) miniPhone(w http.ResponseWriter, r *site.Request, a wechat.Account) {
	var body sealedData
	if !e.requireTokenOf(w, r, a) || !response.ReadJSON(w, r.Request, maxProfileBody, &body) {
		return
	}
	var phone string
	var err error
	switch {
	case body.Code != "" && e.Hub.Phone == nil:
		response.WriteError(w, http.StatusNotFound, "not_found", "Phone numbers are not set up here.")
		return
	case body.Code != "":
		phone, err = e.spendPhone(r, body.Code)
	default:
		phone, err = e.openPhone(r, &body)
	}
	if err != nil {
		e.writeDataError(w, r, a, err)
		return
	}
	response.WriteJSON(w, http.StatusOK, map[string]any{"code": http.StatusOK, "phone": phone})
}

// spendPhone spends the code of a phone button, once. A client that lost the
// answer can repeat the call with the same code.
func (e Endpoints) spendPhone(r *site.Request, code string) (string, error) {
	s := r.Identity.Session
	h := r.Hit("phone "+s.AppID, signin.OnceKey("phone", s.Site, s.AppID, s.OpenID, code), code)
	r.Flow = signin.KeyName(h.ID)
	o, err := e.Hub.Memory.Once.Do(r.Context(), h, func(ctx context.Context) (signin.Outcome, error) {
		ctx, cancel := context.WithTimeout(ctx, signin.SignInTimeout)
		defer cancel()
		got, err := e.Hub.Phone(ctx, s.AppID, code, s.OpenID)
		e.Log().Answered(e.AccountOf(s.AppID).Name, err, "phone", "token")
		if err != nil {
			return signin.Outcome{}, err
		}
		phone := phoneText(got)
		return signin.Outcome{Value: phone}, e.record(r, ledger.Observation{Phone: phone})
	})
	return o.Value, err
}

func (e Endpoints) openPhone(r *site.Request, body *sealedData) (string, error) {
	envelope, err := e.envelope(r, body)
	if err != nil {
		return "", err
	}
	got, err := envelope.Phone(time.Now())
	if err != nil {
		return "", err
	}
	phone := phoneText(got)
	return phone, e.record(r, ledger.Observation{Phone: phone})
}

// phoneText formats a number for upstreams: +86 13800138000.
func phoneText(p wechat.Phone) string { return "+" + p.CountryCode + " " + p.Number }

// envelope returns body with the session_key that opens it. It reads the
// ledger, not the cached identity: a session_key changes with each wx.login
// without a new identity.
func (e Endpoints) envelope(r *site.Request, body *sealedData) (wechat.Envelope, error) {
	s := r.Identity.Session
	person, err := e.holder(r)
	if err != nil {
		return wechat.Envelope{}, err
	}
	key, err := signin.OpenSessionKey(e.Hub.Keys, &person, &s)
	return wechat.Envelope{AppID: s.AppID, OpenID: s.OpenID, SessionKey: key, Data: body.EncryptedData, IV: body.IV}, err
}

// holder returns the person of the request's session from the ledger, not from
// the cache.
func (e Endpoints) holder(r *site.Request) (ledger.Person, error) {
	ctx, cancel := e.StoreContext(r)
	defer cancel()
	s := r.Identity.Session
	person, err := e.Hub.Ledger.Find(ctx, s.Person)
	if err == nil && !person.Holds(s.AppID, s.OpenID) {
		err = ledger.ErrNotFound
	}
	if err != nil {
		return ledger.Person{}, fmt.Errorf("clients: find person: %w", err)
	}
	return person, nil
}

// record writes an observation of the request's visitor to the ledger. A person
// who was erased during the call to WeChat must not come back by its answer.
func (e Endpoints) record(r *site.Request, s ledger.Observation) error {
	if _, err := e.holder(r); err != nil {
		return err
	}
	if e.Hub.CheckEnded(&r.Identity.Session) != nil { // nor must data come back that was withdrawn
		return fmt.Errorf("clients: the session ended during the call to WeChat: %w", ledger.ErrNotFound)
	}
	ctx, cancel := e.StoreContext(r)
	defer cancel()
	s.AppID, s.OpenID = r.Identity.Session.AppID, r.Identity.Session.OpenID
	if _, err := e.Hub.Ledger.Observe(ctx, s); err != nil {
		return fmt.Errorf("clients: ledger: %w", outage.During(outage.CallWrite, err))
	}
	e.Log().Worked(outage.Write)
	e.Forget(r)
	return nil
}

// requireTokenOf admits clients with a session of this account.
func (e Endpoints) requireTokenOf(w http.ResponseWriter, r *site.Request, a wechat.Account) bool {
	if !e.requireToken(w, r) {
		return false
	}
	if r.Identity.Session.AppID != a.Credentials.AppID {
		response.WriteError(w, http.StatusForbidden, "wrong_account", "This token belongs to another account.")
		return false
	}
	return true
}

// writeDataError answers a client whose data, or code of a phone button, was
// not accepted.
func (e Endpoints) writeDataError(w http.ResponseWriter, r *site.Request, a wechat.Account, err error) {
	status, code, message := http.StatusBadRequest, "", ""
	var said *wechat.Error
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		e.RefuseToken(w)
		return
	case errors.Is(err, wechat.ErrForeignCode):
		status, code, message = http.StatusForbidden, "foreign_code", "This code was made for another visitor."
	case errors.As(err, &said) && (errors.Is(err, wechat.ErrRestart) || errors.Is(err, wechat.ErrStartPage)):
		code, message = "code_invalid", "This code is no longer valid. Have the visitor tap the phone button again and send the new code."
	case errors.Is(err, wechat.ErrRelogin):
		// One answer for a wrong key, wrong padding and wrong text (attack:
		// padding oracle).
		code, message = "session_key_stale", "Call wx.login and the login endpoint first, then fetch the data again, then send it."
	case errors.Is(err, wechat.ErrIV), errors.Is(err, wechat.ErrCiphertext):
		code, message = "bad_data", "encryptedData and iv are not in WeChat's format: whole blocks in base64."
	case errors.Is(err, wechat.ErrForeignApp), errors.Is(err, wechat.ErrForeignPerson):
		status, code, message = http.StatusForbidden, "foreign_data", "This data is of another mini program or of another visitor."
	case errors.Is(err, wechat.ErrStale):
		code, message = "stale_data", "This data is too old. Fetch it again and send it at once."
	default:
		e.writeFailure(w, r, a, err)
		return
	}
	e.Log().Note(slog.LevelInfo, "data not accepted", a.Name, r.Flow, err)
	response.WriteError(w, status, code, message)
}
