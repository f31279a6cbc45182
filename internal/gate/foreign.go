package gate

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/session"
)

// Gateways with different keys behind one load balancer send a visitor round
// without end: each sees a sign-in, or a session, of the other one, and begins
// anew. Nobody is at fault but the keys, so that no other count ends it. A cookie
// counts what no key here opens; only a request that passes with a session clears
// it. One change of keys without overlap counts once or twice, and signs in again.
const (

	// minSessionValue is how long a value must be to be a session's, in bytes:
	// shorter ones were spoilt on the way, by no gateway.
	minSessionValue = 32
)

// isForeign reports whether an error says that no key here opens a session's value.
func isForeign(value string, err error) bool {
	return len(value) >= minSessionValue && errors.Is(err, session.ErrTampered)
}

// foreignCallback notes that a sign-in has come back, and counts it if no key
// here opens it. It reports whether it was one too many.
func (r *Request) foreignCallback(w http.ResponseWriter, unreadable error) bool {
	if errors.Is(unreadable, session.ErrTampered) && flowForm.MatchString(strings.TrimPrefix(r.Original.EscapedPath(), flow.CallbackPath)) {
		return r.countForeign(w, false)
	}
	if r.foreign.Away && unreadable == nil {
		r.foreign.Away = false
		cookies.Foreign.Set(w, r.site, r.foreign.Digit())
	}
	return false
}

// foreignBegin counts a sign-in that begins because no key here opens the session.
// It reports whether it was one too many.
func (r *Request) foreignBegin(w http.ResponseWriter) bool {
	if !r.foreignSession || r.id != nil || r.foreign.Away && r.foreign.N < cookies.MaxForeign {
		return false
	}
	return r.countForeign(w, true)
}

// countForeign counts once for a request. At the end of the count its time is not
// begun anew: who keeps trying is let through when it is over.
func (r *Request) countForeign(w http.ResponseWriter, away bool) bool {
	if !r.foreignCounted && r.foreign.N < cookies.MaxForeign {
		r.foreign = cookies.ForeignCount{N: r.foreign.N + 1, Away: away}
		cookies.Foreign.Set(w, r.site, r.foreign.Digit())
	}
	r.foreignCounted = true
	return r.foreign.N >= cookies.MaxForeign
}

// forgetForeign ends the count: a request passes with a session.
func (r *Request) forgetForeign(w http.ResponseWriter) {
	if r.id != nil && !r.token.sent && r.foreign != (cookies.ForeignCount{}) {
		cookies.Foreign.Clear(w, r.site)
	}
}

// explainForeign ends the round. The operator reads why; the visitor, who can do
// nothing about it, what to do.
func (g *Gate) explainForeign(w http.ResponseWriter, r *Request, f flow.Flow) {
	if g.foreigners.Take(limit.Rate{Burst: 1, Every: time.Minute}) { // not one for each visitor (attack: a flooded log)
		g.Logger.Warn("this sign-in was sealed with a key that this gateway does not have; do all gateways have the same keys?", slog.String("site", r.origin))
	}
	g.show(w, r, page.Page{
		Kind: page.TryAgain, Status: http.StatusServiceUnavailable, Reference: audit.ShortID(f.ID), ContinueURL: loginPath(f.Target, f.Scope),
	}, "try_again", "Signing in did not work out. Please try again later.")
}
