package site

import (
	"net/http"
	"net/url"

	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// LoginPath is the endpoint that begins a dance by hand.
func LoginPath(target string, scope wechat.Scope) string {
	q := url.Values{}
	if target != "" {
		q.Set("return_to", target)
	}
	if scope != wechat.ScopeBase {
		q.Set("scope", string(scope))
	}
	if len(q) == 0 {
		return request.Prefix + "login"
	}
	return request.Prefix + "login?" + q.Encode()
}

// ReturnTo sends the visitor to an address of this site, or to the front page where
// the address is too long for a header. Cookies are set before.
func ReturnTo(w http.ResponseWriter, r *Request, target string) {
	location := r.Origin + target
	if !response.HeaderFits(w.Header(), request.HeaderAddress(location)) {
		location = r.Origin + "/"
	}
	response.Redirect(w, http.StatusSeeOther, location)
}

// Sealer seals what travels with a visitor of the site and its official account.
func (site *Site) Sealer(r *Request) flow.Sealer {
	return flow.Sealer{Keys: site.Hub.Keys, Bound: r.Origin + "|" + site.Account.Credentials.AppID}
}

// HostName is the host of an origin, for pages.
func HostName(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	return u.Host
}
