package gate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// sightingOf asks WeChat whose code it is.
type sightingOf func(ctx context.Context, a wechat.Account, code string) (ledger.Sighting, error)

// miniLogin turns the code of wx.login into a token.
func (g *Gate) miniLogin(w http.ResponseWriter, r *Request, a wechat.Account) {
	g.doorLogin(w, r, a, g.seeMini)
}

// mobileLogin turns the code of an app's SendAuth into a token.
func (g *Gate) mobileLogin(w http.ResponseWriter, r *Request, a wechat.Account) {
	g.doorLogin(w, r, a, g.seeMobile)
}

// maxLoginBody bounds the bodies of the calls that sign in, in bytes.
const maxLoginBody = 16 << 10

// loginBody is what a client sends to sign in. The nonce is optional.
type loginBody struct {
	Code  string  `json:"code"`
	Nonce *string `json:"nonce"`
}

// Lengths of a nonce, in bytes.
const minNonce, maxNonce = 16, 128

// nonceIsGood reports a nonce that can be one, or none.
func (b loginBody) nonceIsGood() bool {
	if b.Nonce == nil {
		return true
	}
	text := *b.Nonce
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return len(text) >= minNonce && len(text) <= maxNonce
}

// owner is who may ask again for what the code was spent for.
func (b loginBody) owner() owner {
	if b.Nonce == nil {
		return owner{}
	}
	return sha256.Sum256([]byte(*b.Nonce))
}

// doorLogin signs a client in. Its code is spent once: the client that asks again with
// the same code and the same nonce, because it lost the answer, gets the same token,
// from any instance. Without a nonce it has seconds for that; to anybody else
// the code is a spent one (attack: a code read in a log, sent once more).
func (g *Gate) doorLogin(w http.ResponseWriter, r *Request, a wechat.Account, see sightingOf) {
	var body loginBody
	if !response.ReadJSON(w, r.Request, maxLoginBody, &body) {
		return
	}
	if !body.nonceIsGood() {
		response.WriteError(w, http.StatusBadRequest, "bad_nonce", "nonce is 16 to 128 visible ASCII characters that the client draws at random for each code.")
		return
	}
	if body.Code == "" || body.Code == codeDenied {
		g.doorFailed(w, r, a, wechat.ErrStartPage)
		return
	}
	b := session.Binding{Site: r.origin, AppID: a.Credentials.AppID, Audience: session.Token}
	who := visitor{client: audit.Client(r.UserAgent())} // spending may outlive the request
	h := r.hit(doorOf(a), onceKey("login", b.Site, b.AppID, body.Code), body.Code)
	// The code is spent once, whatever comes with it; who is answered again is the
	// nonce's to say.
	h.owner, h.brief = body.owner(), body.Nonce == nil
	o, err := g.Hub.Results.Do(r.Context(), h, func(ctx context.Context) (outcome, error) {
		if err := g.reachable(ctx, b); err != nil {
			return outcome{}, err
		}
		return g.spendAtDoor(ctx, a, b, h, who, see)
	})
	switch {
	case err != nil:
		g.doorFailed(w, r, a, err)
	case o.session == nil || g.Hub.over(o.session) != nil:
		// Asked again after the logout: the code was spent long ago.
		g.doorFailed(w, r, a, wechat.ErrReuse)
	default:
		g.welcome(w, r, a, o)
	}
}

// welcome gives the client its token.
func (g *Gate) welcome(w http.ResponseWriter, r *Request, a wechat.Account, o outcome) {
	r.token, r.id = bearer{sent: true, account: a.Name, value: o.value}, nil
	err := g.identifyToken(r)
	switch {
	case err != nil:
		g.doorFailed(w, r, a, err)
	case r.id == nil:
		g.doorFailed(w, r, a, wechat.ErrReuse)
	default:
		user := newUserJSON(r.id)
		response.WriteJSON(w, http.StatusOK, tokenJSON{
			Code: http.StatusOK, Token: formatToken(a, o.value),
			ExpiresIn: secondsUntil(r.id.expires), User: &user,
		})
	}
}

// reachable finds out whether a sign-in could be kept, before its code is spent:
// the code is still good when the stores are back. It is asked in the sign-in's turn
// (attack: a flood of invented codes asks the store as often as it likes).
func (g *Gate) reachable(ctx context.Context, b session.Binding) error {
	const nothing = "nothing" // is the value of no session
	ctx, cancel := context.WithTimeout(ctx, outage.StoreTimeout)
	defer cancel()
	if _, err := g.Hub.Store.Load(ctx, nothing, b); err != nil && !isNobody(err) {
		return fmt.Errorf("gate: before a sign-in: %w", err)
	}
	return nil
}

// onceKey names what happens once, in Results. It shows nothing of its parts: codes
// are among them.
func onceKey(parts ...string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts)) // quoted: no two lists read alike
	return parts[0] + "-" + hex.EncodeToString(sum[:])
}

// spendAtDoor turns a code into a session: WeChat says who it is, the ledger which
// person, and the store keeps the session.
func (g *Gate) spendAtDoor(ctx context.Context, a wechat.Account, b session.Binding, h hit, who visitor, see sightingOf) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, spendTimeout)
	defer cancel()
	scope, key := a.Kind.SessionScope(), h.sightKey(b)
	sighting, err := g.sight(ctx, key, func() (ledger.Sighting, error) { return see(ctx, a, h.code) })
	if err != nil {
		return outcome{}, err
	}
	sighting.AppID, sighting.SignedIn, sighting.Scope = b.AppID, true, scope
	in, err := g.enrol(ctx, b, key, sighting, who, func(ledger.Person) string { return scope })
	if err != nil {
		return outcome{}, err
	}
	s := in.session
	g.Logger.Info("signed in", slog.String("user", audit.ShortID(s.Person)), slog.String("session", s.ID.Short()),
		slog.String("account", a.Name), slog.String("scope", scope))
	audit.Write(g.Audit, audit.Record{
		Action: audit.ActionSignIn, Account: a.Name, User: s.Person, Session: s.ID, Client: who.client, Scope: scope, Site: b.Site,
	})
	return outcome{session: s, value: in.value}, nil
}

// seeMini spends a code of wx.login.
func (g *Gate) seeMini(ctx context.Context, a wechat.Account, code string) (ledger.Sighting, error) {
	got, err := g.Hub.WeChat.Login(ctx, a.Credentials, code)
	g.log().Answered(a.Name, err, "login")
	if err != nil {
		return ledger.Sighting{}, err
	}
	return ledger.Sighting{OpenID: got.OpenID, UnionID: got.UnionID, SessionKey: g.sealSessionKey(a, got)}, nil
}

// seeMobile spends a code of an app. The visitor has consented in WeChat's own app.
func (g *Gate) seeMobile(ctx context.Context, a wechat.Account, code string) (ledger.Sighting, error) {
	token, err := g.Hub.WeChat.Exchange(ctx, a.Credentials, code)
	g.log().Answered(a.Name, err, "exchange")
	switch {
	case err != nil:
		return ledger.Sighting{}, err
	case token.Snapshot:
		// Unheard of in apps. Virtual people must never meet real ones.
		return ledger.Sighting{}, fmt.Errorf("gate: a virtual visitor in an app: %w", wechat.ErrDeny)
	}
	sighting := ledger.Sighting{OpenID: token.OpenID, UnionID: token.UnionID}
	if token.Scope == wechat.ScopeUserInfo {
		err = g.addProfile(ctx, a, token, &sighting)
	}
	return sighting, err
}
