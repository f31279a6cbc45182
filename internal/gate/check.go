package gate

import (
	"net/http"
	"slices"
	"strings"

	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// checkEndpoint tells another proxy in front of the app which visitor sent a
// request (forward-auth): 200 with the identity headers, or 401 with the
// sign-in address. The proxy copies the visitor's headers and adds the address
// and the method of the request in two headers of its own; see checkQuery.
//
// It is off by default. If TLS ends at another server on this machine, browsers
// seem to be a proxy, too, and a page's script could read the unionid.
func (g *Gate) checkEndpoint(w http.ResponseWriter, r *site.Request) {
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		response.MethodNotAllowed(w, http.MethodGet, http.MethodHead)
		return
	case !g.Rules.Check:
		response.WriteError(w, http.StatusForbidden, "check_off", "This site does not answer checks of other proxies. To allow them, write `check on` into wechat_auth.")
		return
	case !r.FromProxy:
		// A page's script must not read the unionid (attack: CVE-2024-39315).
		response.WriteError(w, http.StatusForbidden, "not_a_proxy", "Only a proxy may check: one on this machine, on a Unix socket, or in trusted_proxies.")
		return
	}
	need, asked := r.Need, g.readAsked(r)
	if asked.scope != "" {
		need = asked.scope
	}
	if err := g.Identify(r); err != nil {
		g.checkUnavailable(w, r, asked, err)
		return
	}
	if g.CrossSiteSocket(r) {
		g.refuseSocket(w, r)
		return
	}
	if r.Refused != nil {
		g.checkNotAllowed(w, r, asked)
		return
	}
	switch standing := g.standing(r, need); {
	case standing == Satisfied:
		r.Access = site.Protected
		if g.IsDue(r) {
			g.RenewCookie(w, r)
		}
	case standing == Guest && !asked.write:
	case standing == Guest:
		response.WriteError(w, http.StatusForbidden, "snapshot_read_only", "This is WeChat's read-only snapshot mode: tap 使用完整服务 first.")
		return
	default:
		g.sendToSignIn(w, r, asked, standing, need)
		return
	}
	g.writeIdentity(w, r, asked)
}

// writeIdentity writes the 200 of a check.
func (g *Gate) writeIdentity(w http.ResponseWriter, r *site.Request, asked checkQuery) {
	h := w.Header()
	// A proxy passes on one Set-Cookie at most, and some only the first, so
	// only the renewed session's is kept. Later answers to the browser set the
	// others again.
	ours := r.CookieScope.SessionCookie().Name(r.CookieScope.Secure) + "="
	h["Set-Cookie"] = slices.DeleteFunc(h["Set-Cookie"], func(line string) bool { return !strings.HasPrefix(line, ours) })
	if err := g.identifyIn(h, r); err != nil {
		g.checkUnavailable(w, r, asked, err)
		return
	}
	if asked.credentials {
		// The app gets the credentials that it would get from the gateway
		// itself.
		g.StripCookies(r)
		site.StripToken(r.Request)
		if lines := r.Header["Cookie"]; len(lines) > 0 {
			h.Set("Cookie", strings.Join(lines, "; "))
		}
		if lines := r.Header["Authorization"]; len(lines) > 0 {
			h["Authorization"] = slices.Clone(lines)
		}
	}
	response.WriteJSON(w, http.StatusOK, map[string]any{"code": http.StatusOK})
}

// sendToSignIn writes the 401 of a check. The Location header repeats the
// address for proxies that read no JSON. If the proxy passes the answer on to
// the visitor, a navigation is redirected, and a form gets a page, because a
// redirect would turn it into a GET.
func (g *Gate) sendToSignIn(w http.ResponseWriter, r *site.Request, asked checkQuery, standing Standing, need wechat.Scope) {
	if r.Token.Sent {
		g.RefuseToken(w)
		return
	}
	scope := wechat.ScopeBase
	if standing == Lacking {
		scope = need
	}
	address := r.Origin + site.LoginPath(asked.target, scope)
	if !response.HeaderFits(w.Header(), address) {
		address = r.Origin + site.LoginPath("", scope)
	}
	switch {
	case asked.forVisitor && asked.write:
		about := r.WithContext(r.Context())
		about.Method = http.MethodPost // the method of the checked request
		r.Request, r.Need = about, need
		g.refuse(w, r, asked.target)
	case asked.forVisitor && asked.redirects && request.WantsPage(r.Request):
		response.Redirect(w, http.StatusSeeOther, address)
	default:
		w.Header().Set("Location", address)
		w.Header().Set("Referrer-Policy", "no-referrer") // the address contains the visitor's page
		response.WriteJSON(w, http.StatusUnauthorized, notSignedIn(address, standing == Lacking))
	}
}

// checkUnavailable writes the 503 of a check: a page for a navigation if the
// proxy passes the answer on to the visitor.
func (g *Gate) checkUnavailable(w http.ResponseWriter, r *site.Request, asked checkQuery, err error) {
	if asked.forVisitor && asked.redirects && !asked.write {
		g.Unavailable(w, r, site.RetryStore, flow.Flow{Target: asked.target, Scope: wechat.ScopeBase}, err)
		return
	}
	g.UnavailableJSON(w, r, g.Account, site.RetryStore, err)
}
