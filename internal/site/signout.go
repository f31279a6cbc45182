package site

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/caches"
	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/flow"
)

// EndByUpstream carries out X-Wechat-Logout: the session ends and its cookie
// goes. It must be called before the answer's headers are sent. The app's answer
// stands in any case, and may be finished.
func (site *Site) EndByUpstream(w http.ResponseWriter, r *Request) {
	if r.Identity == nil {
		return
	}
	if r.Header.Get("Upgrade") == "" {
		r.running.Farewell()
	}
	if err := site.LogOut(w, r, audit.ReasonUpstream); err != nil {
		site.LogFailed(slog.LevelError, "session not ended for the upstream", flow.Flow{}, err)
	}
	site.ClearCookies(w, r)
	// Whatever the app says: an answer that signs one visitor out is for that one
	// (attack: a shared cache hands its cookies to everybody).
	caches.Forbid(w.Header())
}

// ClearCookies forgets everything about the visitor in the browser, but not a
// logout to be completed.
func (site *Site) ClearCookies(w http.ResponseWriter, r *Request) {
	if r.Token.Sent {
		return // the browser's own cookie, if there is one, may be somebody else's
	}
	r.clearSession(w)
	r.HeldSecrets().Clear(w, r.CookieScope) // what was begun in this browser ends nowhere
	cookies.Landed.Clear(w, r.CookieScope)
	if r.AskedAgain > 0 {
		site.SetAsked(w, r, 0)
	}
}

// LogOut ends the request's session and tells of it. On an error the rest is kept,
// and is in the receipt.
func (site *Site) LogOut(w http.ResponseWriter, r *Request, reason string) error {
	s := r.Identity.Session
	ctx, cancel := site.StoreContext(r)
	defer cancel()
	now := time.Now()
	err := site.newEnding(r, &s, reason, now).FinishOrKeep(ctx, r.SessionValue)
	site.Forget(r)
	if err != nil {
		site.giveReceipt(w, r, &s, reason, now)
	}
	return err
}
