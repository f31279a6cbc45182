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
	values = r.Place.Jar().Values(r.Request, r.Place.Secure)
	own = len(values)
	if former := r.Place.Former(); former != r.Place {
		values = append(values, former.Jar().Values(r.Request, former.Secure)...)
	}
	return values, own
}

// SetSession gives the browser the cookie of a session. One under the former name
// goes if it was this site's: it is replaced.
func (site *Site) SetSession(w http.ResponseWriter, r *Request, value string, s *session.Session) {
	r.Place.Jar().Set(w, value, r.Place.Secure, cookieAge(site.Hub.Policy, s))
	if r.formerly {
		r.Place.Former().Jar().Clear(w, r.Place.Secure)
	}
}

// clearSession takes the cookie of the session back. Under the former name only
// this site's goes: the other sites of the host keep their visitors.
func (r *Request) clearSession(w http.ResponseWriter) {
	r.Place.Jar().Clear(w, r.Place.Secure)
	if r.formerly {
		r.Place.Former().Jar().Clear(w, r.Place.Secure)
	}
}

// Counter counts in cookies of the request's site.
func (site *Site) Counter(r *Request) cookies.Counter {
	return cookies.Counter{Keys: site.Hub.Keys, Origin: r.Origin, Site: r.Place}
}

// cookieAge is how long the browser keeps the session's cookie; 0 for guests,
// whose cookie goes with the browser window.
func cookieAge(p session.Policy, s *session.Session) time.Duration {
	if s.Guest {
		return 0
	}
	return time.Until(p.Expires(s))
}
