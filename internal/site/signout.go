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

// EndByUpstream carries out X-Wechat-Logout: it ends the session and clears its
// cookie. The caller must call it before it sends the answer's headers. The
// app's answer is always sent, in full.
func (site *Site) EndByUpstream(w http.ResponseWriter, r *Request) {
	if r.Identity == nil {
		return
	}
	if r.Header.Get("Upgrade") == "" {
		r.running.LetSignOutFinish()
	}
	if err := site.LogOut(w, r, audit.ReasonUpstream); err != nil {
		site.LogFailed(r, slog.LevelError, "could not end the session that the app signed out", flow.Flow{}, err)
	}
	site.ClearCookies(w, r)
	// Whatever the app's headers say, an answer that signs one visitor out is
	// for that visitor only (attack: a shared cache serves its cookies to all
	// visitors).
	caches.Forbid(w.Header())
}

// ClearCookies clears all our cookies in the browser except the pending logout
// of an incomplete logout.
func (site *Site) ClearCookies(w http.ResponseWriter, r *Request) {
	if r.Token.Sent {
		return // the browser's own cookie may belong to another person
	}
	r.clearSession(w)
	r.HeldSecrets().Clear(w, r.CookieScope) // sign-ins begun in this browser cannot be completed
	cookies.Landings.Clear(w, r.CookieScope)
	if r.Prompts > 0 {
		site.SetPromptCount(w, r, 0)
	}
}

// LogOut ends the request's session and queues the event. On an error the
// remaining work is kept, also in the pending logout.
func (site *Site) LogOut(w http.ResponseWriter, r *Request, reason string) error {
	s := r.Identity.Session
	ctx, cancel := site.StoreContext(r)
	defer cancel()
	now := time.Now()
	err := site.newEnding(r, &s, reason, now).FinishOrKeep(ctx, r.SessionValue)
	site.Forget(r)
	if err != nil {
		site.setPendingLogout(w, r, &s, reason, now)
	}
	return err
}
