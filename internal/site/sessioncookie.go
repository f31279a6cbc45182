package site

import (
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/session"
)

// sessionValues are the values of the session's cookie: those of its name, then
// those of its former name, which may be a neighbour's and then opens nothing
// here. own is how many come first.
func (r *Request) sessionValues() (values []string, own int) {
	values = r.CookieScope.SessionCookie().Values(r.Request, r.CookieScope.Secure)
	own = len(values)
	if former := r.CookieScope.Former(); former != r.CookieScope {
		values = append(values, former.SessionCookie().Values(r.Request, former.Secure)...)
	}
	return values, own
}

// SetSession gives the browser the cookie of a session. One under the former name
// goes if it was this site's: it is replaced.
func (site *Site) SetSession(w http.ResponseWriter, r *Request, value string, s *session.Session) {
	r.CookieScope.SessionCookie().Set(w, value, r.CookieScope.Secure, cookieAge(site.Hub.Policy, s))
	if r.formerly {
		r.CookieScope.Former().SessionCookie().Clear(w, r.CookieScope.Secure)
	}
}

// clearSession takes the cookie of the session back. Under the former name only
// this site's goes: the other sites of the host keep their visitors.
func (r *Request) clearSession(w http.ResponseWriter) {
	r.CookieScope.SessionCookie().Clear(w, r.CookieScope.Secure)
	if r.formerly {
		r.CookieScope.Former().SessionCookie().Clear(w, r.CookieScope.Secure)
	}
}

// Counter counts in cookies of the request's site.
func (site *Site) Counter(r *Request) cookies.Counter {
	return cookies.Counter{Keys: site.Hub.Keys, Origin: r.Origin, Scope: r.CookieScope}
}

// cookieAge is how long the browser keeps the session's cookie; 0 for guests,
// whose cookie goes with the browser window.
func cookieAge(p session.Policy, s *session.Session) time.Duration {
	if s.Guest {
		return 0
	}
	return time.Until(p.Expires(s))
}
