package gate

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
	values = r.site.Jar().Values(r.Request, r.site.Secure)
	own = len(values)
	if former := r.site.Former(); former != r.site {
		values = append(values, former.Jar().Values(r.Request, former.Secure)...)
	}
	return values, own
}

// setSession gives the browser the cookie of a session. One under the former name
// goes if it was this site's: it is replaced.
func (g *Gate) setSession(w http.ResponseWriter, r *Request, value string, s *session.Session) {
	r.site.Jar().Set(w, value, r.site.Secure, cookieAge(g.Hub.Policy, s))
	if r.formerly {
		r.site.Former().Jar().Clear(w, r.site.Secure)
	}
}

// clearSession takes the cookie of the session back. Under the former name only
// this site's goes: the other sites of the host keep their visitors.
func (r *Request) clearSession(w http.ResponseWriter) {
	r.site.Jar().Clear(w, r.site.Secure)
	if r.formerly {
		r.site.Former().Jar().Clear(w, r.site.Secure)
	}
}

// counter counts in cookies of the request's site.
func (g *Gate) counter(r *Request) cookies.Counter {
	return cookies.Counter{Keys: g.Hub.Keys, Origin: r.origin, Site: r.site}
}

// cookieAge is how long the browser keeps the session's cookie; 0 for guests,
// whose cookie goes with the browser window.
func cookieAge(p session.Policy, s *session.Session) time.Duration {
	if s.Guest {
		return 0
	}
	return time.Until(p.Expires(s))
}
