package clients

import (
	"crypto/sha256"
	"net/http"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// maxLoginBody bounds the bodies of sign-in calls, in bytes.
const maxLoginBody = 16 << 10

// loginBody is what a client sends to sign in. The nonce is optional.
type loginBody struct {
	Code  string  `json:"code"`
	Nonce *string `json:"nonce"`
}

// The bounds of a nonce's length, in bytes.
const minNonce, maxNonce = 16, 128

// nonceIsGood reports whether the nonce is valid or absent.
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

// owner identifies the client that may repeat the request with this code.
func (b loginBody) owner() signin.NonceHash {
	if b.Nonce == nil {
		return signin.NonceHash{}
	}
	return sha256.Sum256([]byte(*b.Nonce))
}

// login signs a client in. It spends the code once. A client that lost the
// answer and repeats the code with the same nonce gets the same token, from any
// instance; without a nonce it has a few seconds for that. For every other
// client the code is spent (attack: a code read in a log, sent once more).
func (e Endpoints) login(w http.ResponseWriter, r *site.Request, a wechat.Account) {
	var body loginBody
	if !response.ReadJSON(w, r.Request, maxLoginBody, &body) {
		return
	}
	if !body.nonceIsGood() {
		response.WriteError(w, http.StatusBadRequest, "bad_nonce", "nonce is 16 to 128 visible ASCII characters that the client draws at random for each code.")
		return
	}
	if body.Code == "" || body.Code == wechat.CodeDenied {
		e.writeFailure(w, r, a, wechat.ErrStartPage)
		return
	}
	b := session.Binding{Site: r.Origin, AppID: a.Credentials.AppID, Audience: session.Token}
	h := r.Hit(signin.QueueOf(a), signin.OnceKey("login", b.Site, b.AppID, body.Code), body.Code)
	r.Flow = signin.KeyName(h.ID)                                            // a client that repeats its request gets the same name
	who := signin.Visitor{Client: audit.Client(r.UserAgent()), Flow: r.Flow} // the exchange may outlive the request
	// The code is spent once, with any nonce; only the right nonce gets the
	// answer again.
	h.NonceHash, h.RepeatBriefly = body.owner(), body.Nonce == nil
	o, err := e.Signer().SignIn(r.Context(), signin.Attempt{Account: a, Binding: b, Hit: h, Visitor: who, Exchange: e.Exchanger(r).For(a.Kind)})
	switch {
	case err != nil:
		e.writeFailure(w, r, a, err)
	case o.Session == nil || e.Hub.CheckEnded(o.Session) != nil:
		// A repetition after the logout: the code was spent long ago.
		e.writeFailure(w, r, a, wechat.ErrReuse)
	default:
		e.writeToken(w, r, a, o)
	}
}

// writeToken gives the client its token.
func (e Endpoints) writeToken(w http.ResponseWriter, r *site.Request, a wechat.Account, o signin.Outcome) {
	r.Token, r.Identity, r.Refused = site.Bearer{Sent: true, Account: a.Name, Value: o.Value}, nil, nil
	err := e.IdentifyToken(r)
	switch {
	case err != nil:
		e.writeFailure(w, r, a, err)
	case r.Refused != nil:
		site.NotAllowedJSON(w, r)
	case r.Identity == nil:
		e.writeFailure(w, r, a, wechat.ErrReuse)
	default:
		user := site.NewUser(r.Identity)
		response.WriteJSON(w, http.StatusOK, tokenJSON{
			Code: http.StatusOK, Token: site.FormatToken(a, o.Value),
			ExpiresIn: secondsUntil(r.Identity.Expires), User: &user,
		})
	}
}
