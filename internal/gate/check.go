package gate

import (
	"cmp"
	"net/http"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// checkEndpoint tells another proxy in front of the app who the visitor of a request
// is (forward-auth): 200 with the identity headers, or 401 with the address that
// signs in. The proxy copies the visitor's cookies, and says which address was asked
// for; that is used to come back to, and for nothing else.
//
// Only operators who have put a proxy there want it. On the other sites it would tell
// a page's scripts the unionid wherever TLS ends on this machine: then browsers, too,
// seem to be a proxy.
func (g *Gate) checkEndpoint(w http.ResponseWriter, r *Request) {
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		methodNotAllowed(w, http.MethodGet, http.MethodHead)
		return
	case !g.Rules.Check:
		writeError(w, http.StatusForbidden, "check_off", "This site answers no other proxies. If one asks here, write `check on` into wechat_auth.")
		return
	case !r.FromProxy:
		// A page's script must not read the unionid (attack: CVE-2024-39315).
		writeError(w, http.StatusForbidden, "not_a_proxy", "Only proxies may ask: on this machine, on a Unix socket, or one of trusted_proxies.")
		return
	}
	need := r.Need
	switch asked := wechat.Scope(r.Original.Query().Get("scope")); asked {
	case wechat.ScopeBase, wechat.ScopeUserInfo:
		need = asked
	}
	if err := g.identify(r); err != nil {
		g.unavailableJSON(w, r, g.Account, retryStore, err)
		return
	}
	switch standing := g.standing(r, need); {
	case standing == Satisfied:
		r.Access = Protected
		if g.isDue(r) {
			g.renew(w, r)
		}
		r.forgetForeign(w)
	case standing == Guest && isRead(cmp.Or(forwarded(r, forwardedMethods), http.MethodGet)):
	case standing == Guest:
		writeError(w, http.StatusForbidden, "snapshot_read_only", "This is WeChat's read-only snapshot mode: tap 使用完整服务 first.")
		return
	default:
		g.sendToSignIn(w, r, standing, need)
		return
	}
	r.id.Apply(w.Header())
	writeJSON(w, http.StatusOK, map[string]any{"code": http.StatusOK})
}

// Where proxies put what was asked for.
var (
	forwardedURIs    = []string{"X-Forwarded-Uri", "X-Original-Uri"}
	forwardedMethods = []string{"X-Forwarded-Method", "X-Original-Method"}
)

func forwarded(r *Request, names []string) string {
	for _, name := range names {
		if value := r.Header.Get(name); value != "" {
			return value
		}
	}
	return ""
}

// sendToSignIn is the 401 of a check. Its address is in the header, too, for proxies
// that read no JSON.
func (g *Gate) sendToSignIn(w http.ResponseWriter, r *Request, standing Standing, need wechat.Scope) {
	if r.token.sent {
		g.refuseToken(w)
		return
	}
	body := errorJSON{Code: http.StatusUnauthorized, Error: "not_signed_in", Message: "There is no session. Open redirect_url in the browser to sign in."}
	scope := wechat.ScopeBase
	if standing == Lacking {
		scope = need
		body.Error, body.Message = "consent_required", "This needs the visitor's consent. Open redirect_url in the browser to ask for it."
	}
	target := ""
	if uri := forwarded(r, forwardedURIs); uri != "" {
		target = returnTarget(uri, r.origin)
	}
	body.RedirectURL = r.origin + loginPath(target, scope)
	w.Header().Set("Location", body.RedirectURL)
	w.Header().Set("Referrer-Policy", "no-referrer") // the address holds where the visitor was
	writeJSON(w, http.StatusUnauthorized, body)
}
