package site

import (
	"errors"
	"net/http"
	"strings"

	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/session"
)

// If gateways behind one load balancer have different keys, each rejects the
// sessions and sign-ins of the other and redirects to WeChat again, for ever.
// This cookie counts values that no key here opens, and so ends the loop. Only
// a request that passes with a session clears it. A single change of keys
// without overlap counts once or twice, and the visitor signs in again.

// minSessionValue is the least length of a session's value in bytes. A shorter
// one was cut in transit; it does not come from another gateway.
const minSessionValue = 32

// ForeignCallback records that a sign-in has come back, and counts it if no key
// here opens it. It reports whether the limit is reached.
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

// ForeignBegin counts a sign-in that begins because no key here opens the
// session. It reports whether the limit is reached.
func (r *Request) ForeignBegin(w http.ResponseWriter) bool {
	if !r.ForeignSession || r.Identity != nil || r.Foreign.Away && r.Foreign.N < cookies.MaxForeign {
		return false
	}
	return r.countForeign(w, true)
}

// countForeign counts once per request. At the limit the cookie's lifetime is
// not extended, so a visitor who keeps trying gets through when it expires.
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
