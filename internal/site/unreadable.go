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

// CountUnreadableCallback records that a sign-in has come back, and counts it
// if no key here opens it. It reports whether the limit is reached.
func (r *Request) CountUnreadableCallback(w http.ResponseWriter, unreadable error) bool {
	if errors.Is(unreadable, session.ErrTampered) && flow.HasForm(strings.TrimPrefix(r.Original.EscapedPath(), flow.CallbackPath)) {
		return r.countUnreadable(w, false)
	}
	if r.Unreadable.AtWeChat && unreadable == nil {
		r.Unreadable.AtWeChat = false
		cookies.Unreadable.Set(w, r.CookieScope, r.Unreadable.Digit())
	}
	return false
}

// CountUnreadableSession counts a sign-in that begins because no key here opens
// the session. It reports whether the limit is reached.
func (r *Request) CountUnreadableSession(w http.ResponseWriter) bool {
	if !r.UnreadableSession || r.Identity != nil || r.Unreadable.AtWeChat && r.Unreadable.N < cookies.MaxUnreadable {
		return false
	}
	return r.countUnreadable(w, true)
}

// countUnreadable counts once per request. At the limit the cookie's lifetime
// is not extended, so a visitor who keeps trying gets through when it expires.
func (r *Request) countUnreadable(w http.ResponseWriter, away bool) bool {
	if !r.unreadableCounted && r.Unreadable.N < cookies.MaxUnreadable {
		r.Unreadable = cookies.UnreadableCount{N: r.Unreadable.N + 1, AtWeChat: away}
		cookies.Unreadable.Set(w, r.CookieScope, r.Unreadable.Digit())
	}
	r.unreadableCounted = true
	return r.Unreadable.N >= cookies.MaxUnreadable
}

// ForgetForeign ends the count: a request passes with a session.
func (r *Request) ForgetForeign(w http.ResponseWriter) {
	if r.Identity != nil && !r.Token.Sent && r.Unreadable != (cookies.UnreadableCount{}) {
		cookies.Unreadable.Clear(w, r.CookieScope)
	}
}
