package gate

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/caches"
	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// A logout that a store does not take is answered 503, kept in [UnfinishedEnds],
// and sealed into a cookie, the receipt. Any later request of the browser completes
// it, also where this gateway has been started anew meanwhile. Done twice it is done
// once: ending is, and the event has an id that follows from the session.

const (
	purposeReceipt = "logout"
)

// receipt is a logout that is not complete.
type receipt struct {
	Session []byte `json:"w"`
	AppID   string `json:"a,omitempty"` // "" is that of the official account
	Reason  string `json:"r"`
	At      int64  `json:"t"` // Unix seconds
}

// logoutEndpoint ends the session itself, not only its cookie (attack:
// CVE-2024-21492).
func (g *Gate) logoutEndpoint(w http.ResponseWriter, r *Request) {
	if !g.postedHere(w, r) {
		return
	}
	if err := g.identify(r); err != nil {
		g.unavailable(w, r, retryStore, flow.Flow{}, err)
		return
	}
	err := r.unsettled // of a logout before this one
	switch {
	case r.id != nil:
		err = g.logOut(w, r, audit.ReasonVisitor)
	case err == nil:
		err = g.finishEnd(r)
	}
	if err != nil {
		g.unavailable(w, r, retryStore, flow.Flow{}, err)
		return
	}
	g.clearCookies(w, r)
	if !request.WantsPage(r.Request) {
		response.WriteJSON(w, http.StatusOK, map[string]any{"code": http.StatusOK})
		return
	}
	g.write(w, r, page.Page{Kind: page.SignedOut, ContinueURL: loginPath("/", wechat.ScopeBase)})
}

// EndByUpstream carries out X-Wechat-Logout: the session ends and its cookie
// goes. It must be called before the answer's headers are sent. The app's answer
// stands in any case, and may be finished.
func (g *Gate) EndByUpstream(w http.ResponseWriter, r *Request) {
	if r.id == nil {
		return
	}
	if r.Header.Get("Upgrade") == "" {
		r.running.leaving.Store(farewell)
	}
	if err := g.logOut(w, r, audit.ReasonUpstream); err != nil {
		g.logWeChat(slog.LevelError, "session not ended for the upstream", flow.Flow{}, err)
	}
	g.clearCookies(w, r)
	// Whatever the app says: an answer that signs one visitor out is for that one
	// (attack: a shared cache hands its cookies to everybody).
	caches.Forbid(w.Header())
}

// clearCookies forgets everything about the visitor in the browser, but not a
// logout to be completed.
func (g *Gate) clearCookies(w http.ResponseWriter, r *Request) {
	if r.token.sent {
		return // the browser's own cookie, if there is one, may be somebody else's
	}
	r.clearSession(w)
	r.heldSecrets().Clear(w, r.site) // what was begun in this browser ends nowhere
	cookies.Landed.Clear(w, r.site)
	if r.asked > 0 {
		g.setAsked(w, r, 0)
	}
}

// logOut ends the request's session and tells of it. On an error the rest is kept,
// and is in the receipt.
func (g *Gate) logOut(w http.ResponseWriter, r *Request, reason string) error {
	s := r.id.session
	ctx, cancel := g.storeContext(r)
	defer cancel()
	now := time.Now()
	err := g.newEnding(r, &s, reason, now).FinishOrKeep(ctx, r.cookie)
	g.forget(r)
	if err != nil {
		g.giveReceipt(w, r, &s, reason, now)
	}
	return err
}

// giveReceipt has the browser keep what is left to do. Where the cookie cannot be
// made the visitor still has the session's.
func (g *Gate) giveReceipt(w http.ResponseWriter, r *Request, s *session.Session, reason string, at time.Time) {
	if r.token.sent {
		return // the client has no cookies; it still has the token, and asks again
	}
	raw, err := s.MarshalBinary()
	if err != nil {
		return
	}
	plain, err := json.Marshal(receipt{Session: raw, AppID: s.AppID, Reason: reason, At: at.Unix()})
	if err != nil {
		return
	}
	sealed, err := g.Hub.Keys.Seal(purposeReceipt, g.sealer(r).Bound, plain)
	if err != nil {
		return
	}
	cookies.Receipt.Set(w, r.site, sealed)
}
