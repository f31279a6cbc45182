package site

import (
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// sessionValues returns the values of the session's cookie: those of its name,
// then those of its former name. A former cookie may belong to another site of
// the host; then no key of this site opens it. own is the number of values
// under the current name.
func (r *Request) sessionValues() (values []string, own int) {
	values = r.CookieScope.SessionCookie().Values(r.Request, r.CookieScope.Secure)
	own = len(values)
	if former := r.CookieScope.Former(); former != r.CookieScope {
		values = append(values, former.SessionCookie().Values(r.Request, former.Secure)...)
	}
	return values, own
}

// SetSession gives the browser the cookie of a session. It clears a cookie
// under the former name if that was this site's.
func (site *Site) SetSession(w http.ResponseWriter, r *Request, value string, s *session.Session) {
	age := cookieAge(site.Hub.Policy, s)
	if age > 0 && site.Rules.PreservePost.Keeps() {
		age += formerLife
	}
	r.CookieScope.SessionCookie().Set(w, value, r.CookieScope.Secure, age)
	if r.fromFormerCookie {
		r.CookieScope.Former().SessionCookie().Clear(w, r.CookieScope.Secure)
	}
}

// clearSession clears the session's cookie. Under the former name it clears
// only this site's: visitors of other sites of the host stay signed in.
func (r *Request) clearSession(w http.ResponseWriter) {
	r.CookieScope.SessionCookie().Clear(w, r.CookieScope.Secure)
	if r.fromFormerCookie {
		r.CookieScope.Former().SessionCookie().Clear(w, r.CookieScope.Secure)
	}
}

// cookieAge is how long the browser keeps the session's cookie; 0 for guests,
// whose cookie ends with the browser window.
func cookieAge(p session.Policy, s *session.Session) time.Duration {
	if s.Guest {
		return 0
	}
	return time.Until(p.Expires(s))
}
