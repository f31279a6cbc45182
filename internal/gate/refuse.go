package gate

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

func (g *Gate) tryAgain(w http.ResponseWriter, r *site.Request, f flow.Flow) {
	g.Show(w, r, page.Page{Kind: page.TryAgain, Reference: f.Name(), ContinueURL: site.LoginPath(f.Target, f.Scope)},
		"try_again", "Signing in did not work out. Please try again.")
}

func (g *Gate) explainOutside(w http.ResponseWriter, r *site.Request, target string) {
	g.Show(w, r, page.Page{Kind: page.OpenInWeChat, URL: request.ShownAddress(r.Origin + target)},
		"open_in_wechat", "Please open this address in WeChat.")
}

// explainCookies ends a redirect loop with a page. It resets the count, so that
// a visitor who allows cookies and taps the button gets another try.
func (g *Gate) explainCookies(w http.ResponseWriter, r *site.Request, target string) {
	if r.UnreadableSession {
		// The browser does keep cookies: it sent one of another gateway.
		g.explainForeign(w, r, flow.Flow{Target: target, Scope: wechat.ScopeBase})
		return
	}
	if r.EndedSession {
		// It keeps them: message pushes, or an operator, ended its sessions as
		// fast as they were made.
		cookies.Landings.Clear(w, r.CookieScope)
		g.tryAgain(w, r, flow.Flow{Target: target, Scope: wechat.ScopeBase})
		return
	}
	// Not for each visitor (attack: a client that drops its cookies fills the
	// log).
	g.cookiesOff.Warn(g.Logger, site.MistakeRate, "browser does not keep the session cookie", slog.String("site", r.Origin))
	cookies.Landings.Clear(w, r.CookieScope)
	g.Show(w, r, page.Page{Kind: page.CookiesOff, ContinueURL: site.LoginPath(target, wechat.ScopeBase)}, "cookies_off", "This browser does not keep cookies of this site.")
}

func (g *Gate) explainSnapshot(w http.ResponseWriter, r *site.Request, f flow.Flow) {
	g.Show(w, r, page.Page{Kind: page.Snapshot, ContinueURL: site.LoginPath(f.Target, f.Scope)},
		"snapshot", "This is WeChat's read-only snapshot mode: tap 使用完整服务 first.")
}

// refuse answers a request that needs a session and cannot be redirected: JSON
// for scripts, a page for a posted form, and a page for a navigation where the
// site refuses clients outside WeChat. It never redirects to WeChat: a script
// would not see it, and a form would lose its content.
func (g *Gate) refuse(w http.ResponseWriter, r *site.Request, target string) {
	switch {
	case r.Token.Sent || !request.WantsPage(r.Request):
		scope := wechat.ScopeBase
		if r.Identity != nil && !r.Identity.Guest() {
			scope = r.Need
		}
		g.refuseJSON(w, r, scope)
	case request.IsNavigation(r.Request):
		g.WritePage(w, r, page.Page{Kind: page.OpenInWeChat, Status: http.StatusUnauthorized, URL: request.ShownAddress(r.Origin + target)})
	default:
		g.logUnkept(r, "")
		g.WritePage(w, r, g.notSent(r))
	}
}

// notSent returns the page that answers a form that is not sent: its button
// leads to the page of the form, by way of a sign-in or, in a session, a
// question.
func (g *Gate) notSent(r *site.Request) page.Page {
	scope, cause := wechat.ScopeBase, page.Cause("")
	if g.standing(r, r.Need) == Lacking {
		scope, cause = r.Need, page.ConsentMissing
	}
	return page.Page{Kind: page.SignInExpired, Cause: cause, ContinueURL: site.LoginPath(g.cameFrom(r), scope)}
}

// refuseJSON is the 401 that a script can act on.
func (g *Gate) refuseJSON(w http.ResponseWriter, r *site.Request, scope wechat.Scope) {
	if r.Token.Sent {
		g.RefuseToken(w)
		return
	}
	address := r.Origin + site.LoginPath(g.cameFrom(r), scope)
	response.WriteJSON(w, http.StatusUnauthorized, notSignedIn(address, scope == wechat.ScopeUserInfo && r.Identity != nil))
}

// notSignedIn is the body of a 401: where to sign in or, in a session, to
// consent.
func notSignedIn(address string, consent bool) response.Error {
	body := response.Error{
		Code: http.StatusUnauthorized, Error: "not_signed_in",
		Message: "There is no session. Open redirect_url in the browser to sign in.", RedirectURL: address,
	}
	if consent {
		body.Error, body.Message = "consent_required", "This needs the visitor's consent. Open redirect_url in the browser to ask for it."
	}
	return body
}

// cameFrom returns the page of this site that sent r, "" when unknown. A
// Referer of another site is ignored (attack: CVE-2024-21496).
func (g *Gate) cameFrom(r *site.Request) string {
	rest, ok := strings.CutPrefix(r.Header.Get("Referer"), r.Origin+"/")
	if !ok {
		return ""
	}
	if target := request.CleanTarget("/" + rest); target != "/" {
		return target
	}
	return ""
}

// explainForeign ends a redirect loop with a page. The log tells the operator
// why; the page tells the visitor only what to do.
func (g *Gate) explainForeign(w http.ResponseWriter, r *site.Request, f flow.Flow) {
	g.foreigners.Warn(g.Logger, site.MistakeRate, // not for each visitor (attack: a flooded log)
		"this sign-in was sealed with a key that this gateway does not have; check that all gateways use the same session keys", slog.String("site", r.Origin))
	g.Show(w, r, page.Page{
		Kind: page.TryAgain, Status: http.StatusServiceUnavailable, Reference: f.Name(), ContinueURL: site.AgainPath(f.Target, f.Scope),
	}, "try_again", "Signing in did not work out. Please try again later.")
}
