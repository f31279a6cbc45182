package site

import (
	"errors"
	"net/http"
	"strings"

	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/session"
)

// Gateways with different keys behind one load balancer send a visitor round
// without end: each sees a sign-in, or a session, of the other one, and begins
// anew. Nobody is at fault but the keys, so that no other count ends it. A cookie
// counts what no key here opens; only a request that passes with a session clears
// it. One change of keys without overlap counts once or twice, and signs in again.

// minSessionValue is how long a value must be to be a session's, in bytes: shorter ones
// were spoilt on the way, by no gateway.
const minSessionValue = 32

// ForeignCallback notes that a sign-in has come back, and counts it if no key
// here opens it. It reports whether it was one too many.
func (r *Request) ForeignCallback(w http.ResponseWriter, unreadable error) bool {
	if errors.Is(unreadable, session.ErrTampered) && flow.HasForm(strings.TrimPrefix(r.Original.EscapedPath(), flow.CallbackPath)) {
		return r.countForeign(w, false)
	}
	if r.Foreign.Away && unreadable == nil {
		r.Foreign.Away = false
		cookies.Foreign.Set(w, r.CookieScope, r.Foreign.Digit())
	}
	return false
}

// ForeignBegin counts a sign-in that begins because no key here opens the session.
// It reports whether it was one too many.
func (r *Request) ForeignBegin(w http.ResponseWriter) bool {
	if !r.ForeignSession || r.Identity != nil || r.Foreign.Away && r.Foreign.N < cookies.MaxForeign {
		return false
	}
	return r.countForeign(w, true)
}

// countForeign counts once for a request. At the end of the count its time is not
// begun anew: who keeps trying is let through when it is over.
func (r *Request) countForeign(w http.ResponseWriter, away bool) bool {
	if !r.foreignCounted && r.Foreign.N < cookies.MaxForeign {
		r.Foreign = cookies.ForeignCount{N: r.Foreign.N + 1, Away: away}
		cookies.Foreign.Set(w, r.CookieScope, r.Foreign.Digit())
	}
	r.foreignCounted = true
	return r.Foreign.N >= cookies.MaxForeign
}

// ForgetForeign ends the count: a request passes with a session.
func (r *Request) ForgetForeign(w http.ResponseWriter) {
	if r.Identity != nil && !r.Token.Sent && r.Foreign != (cookies.ForeignCount{}) {
		cookies.Foreign.Clear(w, r.CookieScope)
	}
}
