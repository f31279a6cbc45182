package clients

import (
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/session"
)

// tokenSession is GET session for a client with a token. It is the only place
// where a due token is renewed: the client reads the new one from the answer.
// The old one stays valid for the rest of its time.
func (e Endpoints) tokenSession(w http.ResponseWriter, r *site.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		response.MethodNotAllowed(w, http.MethodGet, http.MethodHead)
		return
	}
	if !e.requireToken(w, r) {
		return
	}
	body, s := tokenJSON{Code: http.StatusOK}, r.Identity.Session
	if fresh := e.renewToken(r); fresh != nil {
		s = fresh.Session
		if fresh.Value != r.Token.Value {
			body.Token = site.FormatToken(e.AccountOf(s.AppID), fresh.Value)
		}
	}
	body.ExpiresIn = secondsUntil(e.Hub.Policy.Expires(&s))
	user := site.NewUser(r.Identity)
	body.User = &user
	response.WriteJSON(w, http.StatusOK, body)
}

// tokenJSON is the answer to a client with a token about its session.
type tokenJSON struct {
	Code      int        `json:"code"`
	Token     string     `json:"token,omitempty"`
	ExpiresIn int        `json:"expires_in,omitempty"` // seconds
	User      *site.User `json:"user,omitempty"`
}

func secondsUntil(t time.Time) int { return max(0, int(time.Until(t)/time.Second)) }

// renewToken renews the session if it is due. It returns nil if the session
// stays as it is.
func (e Endpoints) renewToken(r *site.Request) *site.Renewed {
	if r.Method == http.MethodHead {
		return nil
	}
	s := r.Identity.Session
	s.Audience = session.Token // binds a session from before audiences were stored
	return e.RenewSession(r, s, "token not renewed")
}

// tokenLogout is POST logout for a client with a token. A token that has
// already ended is no error. Another site cannot send this request, because it
// does not know the token.
func (e Endpoints) tokenLogout(w http.ResponseWriter, r *site.Request) {
	if r.Method != http.MethodPost {
		response.MethodNotAllowed(w, http.MethodPost)
		return
	}
	err := e.IdentifyToEnd(r)
	switch {
	case err != nil:
	case r.Identity != nil:
		err = e.LogOut(w, r, audit.ReasonVisitor)
	default:
		err = e.RetrySignOut(r)
	}
	if err != nil {
		e.UnavailableJSON(w, r, e.Account, site.RetryStore, err)
		return
	}
	response.WriteJSON(w, http.StatusOK, tokenJSON{Code: http.StatusOK})
}

// requireToken reports whether the request has a valid token; if not, it has
// answered.
func (e Endpoints) requireToken(w http.ResponseWriter, r *site.Request) bool {
	if err := e.IdentifyToken(r); err != nil {
		e.UnavailableJSON(w, r, e.Account, site.RetryStore, err)
		return false
	}
	switch {
	case r.Refused != nil:
		site.NotAllowedJSON(w, r)
		return false
	case r.Identity == nil:
		e.RefuseToken(w)
		return false
	}
	return true
}
