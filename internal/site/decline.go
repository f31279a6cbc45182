package site

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/notice"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/session"
)

const (
	// declinePause is how long after a decline the upstream's own 401 or 403 is
	// shown instead of the question that was just answered.
	declinePause = time.Minute

	// maxPrompts is how often the upstream may have a visitor asked again while
	// a decline holds; then its own answer stands.
	maxPrompts = 3
)

func (site *Site) declineHolds() time.Duration {
	if site.Rules.DeclineHolds <= 0 {
		return cookies.DeclineLife
	}
	return site.Rules.DeclineHolds
}

// DeclinedRecently reports whether a visitor has declined so recently that the
// gateway does not ask again.
func (site *Site) DeclinedRecently(id *Identity) bool {
	declined := id.Session.Declined
	return !declined.IsZero() && time.Since(declined) < site.declineHolds()
}

// Decline records in the session that the visitor declined consent, and queues
// the event. key identifies the question, so that a second answer to it is the
// same event. On an error Decline answers the request and returns false.
//
// The event is queued first: recording a decline twice does no harm, losing its
// event does.
func (site *Site) Decline(w http.ResponseWriter, r *Request, f flow.Flow, reason, key string) bool {
	ctx, cancel := site.StoreContext(r)
	defer cancel()
	s := r.Identity.Session
	err := site.Teller().Tell(ctx, &s, ledger.Event{
		ID: notice.EventID(ledger.Declined, s.ID.String(), reason, key), Kind: ledger.Declined, Scope: string(f.Scope), Reason: reason,
	})
	if err != nil {
		site.Unavailable(w, r, RetryStore, f, err)
		return false
	}
	site.WriteAudit(r, audit.Record{Action: audit.ActionDecline, Scope: string(f.Scope), Reason: reason, Flow: f.Name()})
	site.SignIns().Step(site.Account.Name, signin.StepDeclined)
	if !site.Rules.AllowDeclined {
		return true
	}
	s.Declined, s.Audience = time.Now(), session.Cookie
	value, err := site.Hub.Store.Save(ctx, &s)
	if err == nil {
		err = site.CheckKeysUnchanged(r)
	}
	if err != nil {
		site.Unavailable(w, r, RetryStore, f, fmt.Errorf("site: save decline: %w", outage.During(outage.CallSave, err)))
		return false
	}
	site.Forget(r)
	site.Logger.Info("consent declined", slog.String("session", s.ID.Short()))
	site.SetSession(w, r, value, &s)
	return true
}

// A cookie counts how often the app asks again: the server stores nothing, and
// only browsers with a decline carry it. The count belongs to one session;
// another session ignores it.

// promptCount returns how often the app has had this visitor asked again. It is
// read before the cookies are stripped, and only if the visitor has declined.
func (site *Site) promptCount(r *Request) int {
	if r.Identity == nil || !site.DeclinedRecently(r.Identity) {
		return 0
	}
	return site.Counter(r).Read(r.Request, cookies.Prompts, r.Identity.Session.ID.String())
}

// MayAsk reports whether the app may have the visitor asked for a profile.
func (site *Site) MayAsk(r *Request) bool {
	if time.Since(r.Identity.Session.Declined) < declinePause {
		return false
	}
	return r.Prompts < maxPrompts || !site.DeclinedRecently(r.Identity)
}

// CountPrompt counts one more question to a visitor who has declined.
func (site *Site) CountPrompt(w http.ResponseWriter, r *Request) {
	if r.Identity != nil && site.DeclinedRecently(r.Identity) {
		site.SetPromptCount(w, r, min(int(r.Prompts)+1, maxPrompts))
	}
}

// SetPromptCount writes the count; zero removes the cookie.
func (site *Site) SetPromptCount(w http.ResponseWriter, r *Request, n int) {
	if n == 0 {
		cookies.Prompts.Clear(w, r.CookieScope)
		return
	}
	site.Counter(r).Set(w, cookies.Prompts, r.Identity.Session.ID.String(), n, site.declineHolds())
}
