package cookies

import (
	"net/http"
	"slices"
	"strings"

	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/session"
)

// Scope is what determines the names of a site's cookies.
type Scope struct {
	Secure bool
	Port   string // "" is 443 or 80
}

// ScopeOf returns the scope of an origin in the form of request.Origin.
func ScopeOf(origin string) Scope {
	scheme, host, _ := strings.Cut(origin, "://")
	_, port, _ := request.CutPort(host)
	if port == "443" || port == "80" {
		port = ""
	}
	return Scope{Secure: scheme == "https", Port: port}
}

// SessionCookie returns the session's cookie. Its name contains the site's
// port, because browsers share cookies between all ports of a host: two sites
// on one host name would sign each other's visitors out.
func (s Scope) SessionCookie() session.SessionCookie { return session.SessionCookie{Port: s.Port} }

// Former returns the scope of the former cookie names, which had no port.
func (s Scope) Former() Scope { return Scope{Secure: s.Secure} }

// Any reports whether a request may have a cookie of ours. It is a quick check,
// since it runs for every request and most have none. A false positive does no
// harm.
func Any(r *http.Request) bool {
	return slices.ContainsFunc(r.Header["Cookie"], func(line string) bool { return strings.Contains(line, "wechat-") })
}
