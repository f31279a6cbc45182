package gate

import (
	"net/http"
	"slices"
	"strings"

	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/session"
)

// site is what the names of a site's cookies depend on.
type site struct {
	secure bool
	port   string // "" is 443 or 80
}

// siteOf reads an origin, as request.Origin gives it.
func siteOf(origin string) site {
	scheme, host, _ := strings.Cut(origin, "://")
	_, port, _ := request.CutPort(host)
	if port == "443" || port == "80" {
		port = ""
	}
	return site{secure: scheme == "https", port: port}
}

// jar is the session's cookie. Its name has the port of the site: browsers keep
// one cookie of a name for all ports of a host, so that two sites on one host name
// would sign each other's visitors out.
func (s site) jar() session.Jar { return session.Jar{Port: s.port} }

// former is the site as its cookies were named before the port was a part of them.
func (s site) former() site { return site{secure: s.secure} }

// sessionValues are the values of the session's cookie: those of its name, then
// those of its former name, which may be a neighbour's and then opens nothing
// here. own is how many come first.
func (r *Request) sessionValues() (values []string, own int) {
	values = r.site.jar().Values(r.Request, r.site.secure)
	own = len(values)
	if former := r.site.former(); former != r.site {
		values = former.jar().AppendValues(values, r.Request, former.secure)
	}
	return values, own
}

// setSession gives the browser the cookie of a session. One under the former name
// goes if it was this site's: it is replaced.
func (g *Gate) setSession(w http.ResponseWriter, r *Request, value string, s *session.Session) {
	r.site.jar().Set(w, value, r.site.secure, cookieAge(g.Hub.Policy, s))
	if r.formerly {
		r.site.former().jar().Clear(w, r.site.secure)
	}
}

// clearSession takes the cookie of the session back. Under the former name only
// this site's goes: the other sites of the host keep their visitors.
func (r *Request) clearSession(w http.ResponseWriter) {
	r.site.jar().Clear(w, r.site.secure)
	if r.formerly {
		r.site.former().jar().Clear(w, r.site.secure)
	}
}

// hasSideCookies reports whether a request can have one of them. Most have none, and
// this is asked of each. A false yes does no harm.
func hasSideCookies(r *http.Request) bool {
	return slices.ContainsFunc(r.Header["Cookie"], func(line string) bool { return strings.Contains(line, "wechat-") })
}
