package site

import (
	"net/http"
	"net/url"

	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// LoginPath returns the address of the login endpoint for a target and a scope.
func LoginPath(target string, scope wechat.Scope) string {
	return loginPath(target, scope, url.Values{})
}

// AgainPath is LoginPath for the button of the page that ends a redirect loop:
// the visitor who taps it gets one more try.
func AgainPath(target string, scope wechat.Scope) string {
	return loginPath(target, scope, url.Values{againMark: {"1"}})
}

// againMark is the parameter of AgainPath. No script of ours follows such an
// address, so that it cannot be a part of a loop.
const againMark = "again"

// Again reports whether the visitor has tapped the button of AgainPath.
func (r *Request) Again() bool { return r.Original.Query().Get(againMark) == "1" }

func loginPath(target string, scope wechat.Scope, q url.Values) string {
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

// ReturnTo redirects the visitor to an address of this site. If the address is
// too long for a header it drops the fragment, then all but the front page. The
// caller sets cookies before.
func ReturnTo(w http.ResponseWriter, r *Request, target string) {
	for target != "/" && !response.HeaderFits(w.Header(), request.HeaderAddress(r.Origin+target)) {
		target, _ = request.ShorterTarget(target)
	}
	response.Redirect(w, http.StatusSeeOther, r.Origin+target)
}

// Sealer returns the sealer for values of this site and its official account
// that travel with the visitor.
func (site *Site) Sealer(r *Request) flow.Sealer {
	return flow.Sealer{Keys: site.Hub.Keys, Bound: r.Origin + "|" + site.Account.Credentials.AppID}
}

// HostName returns the host of an origin, for pages.
func HostName(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	return u.Host
}
