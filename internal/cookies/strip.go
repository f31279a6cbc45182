package cookies

import (
	"net/http"

	"github.com/caddy-wechat/gateway/session"
)

// Strip removes our cookies from r before the upstream sees it: the app does
// not need them, and might log them. It also removes those of other sites on
// the same host, which browsers send along (attack: an app on another port
// reads the session of its neighbour's visitor).
func Strip(r *http.Request) { session.StripFunc(r, Ours) }

// StripOthers is Strip, except that the app gets the cookies of its own site.
func StripOthers(r *http.Request, s Scope) {
	session.StripFunc(r, func(name string) bool { return Ours(name) && !s.has(name) })
}

// has reports whether a name is that of a cookie of the site.
func (s Scope) has(name string) bool {
	if name == s.SessionCookie().Name(s.Secure) {
		return true
	}
	for c := range cookieCount {
		if _, one := c.idOf(name, s); sideCookies[c].many && one || c.is(name, s) {
			return true
		}
	}
	return false
}
