package gate

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

func (g *Gate) declineHolds() time.Duration {
	if g.Rules.DeclineHolds <= 0 {
		return cookies.DeclineLife
	}
	return g.Rules.DeclineHolds
}

// declinedRecently reports whether a visitor has declined, and is not to be
// asked by us.
func (g *Gate) declinedRecently(id *Identity) bool {
	declined := id.session.Declined
	return !declined.IsZero() && time.Since(declined) < g.declineHolds()
}

// decline notes in the session that the visitor does not want to show a profile,
// and tells of it. key names the question that was answered: answered again, it
// is one event. On an error it answers and returns false.
//
// The notice comes first: a decline that is noted twice does no harm, one that
// nobody hears of does.
func (g *Gate) decline(w http.ResponseWriter, r *Request, f flow.Flow, reason, key string) bool {
	ctx, cancel := g.storeContext(r)
	defer cancel()
	s := r.id.session
	err := g.teller().Tell(ctx, &s, ledger.Event{
		ID: notice.EventID(ledger.Declined, s.ID.String(), reason, key), Kind: ledger.Declined, Scope: string(f.Scope), Reason: reason,
	})
	if err != nil {
		g.unavailable(w, r, retryStore, f, err)
		return false
	}
	g.audit(r, audit.Record{Action: audit.ActionDecline, Scope: string(f.Scope), Reason: reason, Flow: f.ID})
	if !g.Rules.AllowDeclined {
		return true
	}
	s.Declined, s.Audience = time.Now(), session.Cookie
	value, err := g.Hub.Store.Save(ctx, &s)
	if err == nil {
		err = g.sameKeys(r)
	}
	if err != nil {
		g.unavailable(w, r, retryStore, f, fmt.Errorf("gate: save decline: %w", outage.During(outage.CallSave, err)))
		return false
	}
	g.forget(r)
	g.Logger.Info("consent declined", slog.String("session", s.ID.Short()))
	g.setSession(w, r, value, &s)
	return true
}

// Where the app asks again, a cookie counts: the server keeps nothing, and only
// those who declined carry it. It counts for one session: another visitor's is none.

// asked is how often the app has had this visitor asked again. It is read before
// the cookies are stripped, and of those only who declined.
func (g *Gate) asked(r *Request) int {
	if r.id == nil || !g.declinedRecently(r.id) {
		return 0
	}
	return g.counter(r).Read(r.Request, cookies.Asked, r.id.session.ID.String())
}

// mayAsk reports whether the app may have the visitor asked for a profile.
func (g *Gate) mayAsk(r *Request) bool {
	if time.Since(r.id.session.Declined) < declinePause {
		return false
	}
	return r.asked < maxAsked || !g.declinedRecently(r.id)
}

// countAsked notes one more question to somebody who declined.
func (g *Gate) countAsked(w http.ResponseWriter, r *Request) {
	if r.id != nil && g.declinedRecently(r.id) {
		g.setAsked(w, r, min(int(r.asked)+1, maxAsked))
	}
}

// setAsked writes the count; zero removes the cookie.
func (g *Gate) setAsked(w http.ResponseWriter, r *Request, n int) {
	if n == 0 {
		cookies.Asked.Clear(w, r.site)
		return
	}
	g.counter(r).Set(w, cookies.Asked, r.id.session.ID.String(), n, g.declineHolds())
}
