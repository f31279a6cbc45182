package cookies

import (
	"net/http"
	"slices"
	"strings"

	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/session"
)

// Scope is what the names of a site's cookies depend on.
type Scope struct {
	Secure bool
	Port   string // "" is 443 or 80
}

// ScopeOf reads an origin, as request.Origin gives it.
func ScopeOf(origin string) Scope {
	scheme, host, _ := strings.Cut(origin, "://")
	_, port, _ := request.CutPort(host)
	if port == "443" || port == "80" {
		port = ""
	}
	return Scope{Secure: scheme == "https", Port: port}
}

// SessionCookie is the session's cookie. Its name has the port of the site: browsers keep
// one cookie of a name for all ports of a host, so that two sites on one host name
// would sign each other's visitors out.
func (s Scope) SessionCookie() session.SessionCookie { return session.SessionCookie{Port: s.Port} }

// Former is the site as its cookies were named before the port was a part of them.
func (s Scope) Former() Scope { return Scope{Secure: s.Secure} }

// Any reports whether a request can have one of them. Most have none, and
// this is asked of each. A false yes does no harm.
func Any(r *http.Request) bool {
	return slices.ContainsFunc(r.Header["Cookie"], func(line string) bool { return strings.Contains(line, "wechat-") })
}
