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
	"github.com/caddy-wechat/gateway/session"
)

const (
	// declinePause is how long after a decline the upstream's own 401 or 403 is
	// shown instead of the question that was just answered.
	declinePause = time.Minute

	// maxAsked is how often the upstream may have somebody who declined asked
	// again while the decline holds; then its own answer stands.
	maxAsked = 3
)

func (site *Site) declineHolds() time.Duration {
	if site.Rules.DeclineHolds <= 0 {
		return cookies.DeclineLife
	}
	return site.Rules.DeclineHolds
}

// DeclinedRecently reports whether a visitor has declined, and is not to be
// asked by us.
func (site *Site) DeclinedRecently(id *Identity) bool {
	declined := id.Session.Declined
	return !declined.IsZero() && time.Since(declined) < site.declineHolds()
}

// Decline notes in the session that the visitor does not want to show a profile,
// and tells of it. key names the question that was answered: answered again, it
// is one event. On an error it answers and returns false.
//
// The notice comes first: a decline that is noted twice does no harm, one that
// nobody hears of does.
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
	site.WriteAudit(r, audit.Record{Action: audit.ActionDecline, Scope: string(f.Scope), Reason: reason, Flow: f.ID})
	if !site.Rules.AllowDeclined {
		return true
	}
	s.Declined, s.Audience = time.Now(), session.Cookie
	value, err := site.Hub.Store.Save(ctx, &s)
	if err == nil {
		err = site.SameKeys(r)
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

// Where the app asks again, a cookie counts: the server keeps nothing, and only
// those who declined carry it. It counts for one session: another visitor's is none.

// asked is how often the app has had this visitor asked again. It is read before
// the cookies are stripped, and of those only who declined.
func (site *Site) asked(r *Request) int {
	if r.Identity == nil || !site.DeclinedRecently(r.Identity) {
		return 0
	}
	return site.Counter(r).Read(r.Request, cookies.Asked, r.Identity.Session.ID.String())
}

// MayAsk reports whether the app may have the visitor asked for a profile.
func (site *Site) MayAsk(r *Request) bool {
	if time.Since(r.Identity.Session.Declined) < declinePause {
		return false
	}
	return r.AskedAgain < maxAsked || !site.DeclinedRecently(r.Identity)
}

// CountAsked notes one more question to somebody who declined.
func (site *Site) CountAsked(w http.ResponseWriter, r *Request) {
	if r.Identity != nil && site.DeclinedRecently(r.Identity) {
		site.SetAsked(w, r, min(int(r.AskedAgain)+1, maxAsked))
	}
}

// SetAsked writes the count; zero removes the cookie.
func (site *Site) SetAsked(w http.ResponseWriter, r *Request, n int) {
	if n == 0 {
		cookies.Asked.Clear(w, r.CookieScope)
		return
	}
	site.Counter(r).Set(w, cookies.Asked, r.Identity.Session.ID.String(), n, site.declineHolds())
}
