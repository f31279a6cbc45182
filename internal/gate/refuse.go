package gate

import (
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// How long a visitor is asked to wait.
const (
	retryStore  = 5 * time.Second
	retryWeChat = 10 * time.Second
	retryStop   = 10 * time.Minute // the quota of a day; each visitor who comes back asks once more
)

// failed answers a dance that WeChat or a store let down. One log line says
// why; the page says only what to do.
func (g *Gate) failed(w http.ResponseWriter, r *Request, f flow.Flow, err error) {
	switch {
	case errors.Is(err, wechat.ErrRestart), errors.Is(err, wechat.ErrStartPage):
		g.logWeChat(slog.LevelInfo, "code not accepted", f, err)
		g.startAnew(w, r, f, "code not accepted")
	case f.Optional:
		g.logWeChat(slog.LevelError, "sign-in failed, optional visitor passes", f, err)
		g.passWithout(w, r, f)
	case errors.Is(err, wechat.ErrDeny):
		g.logWeChat(slog.LevelWarn, "sign-in denied by WeChat", f, err)
		g.audit(r, audit.Record{Action: audit.ActionRefuse, Account: f.Account, Scope: string(f.Scope), Reason: audit.ReasonWeChat, Flow: f.ID})
		g.show(w, r, page.Page{Kind: page.Denied, Reference: audit.ShortID(f.ID)}, "denied", "WeChat does not let this account sign in here.")
	case errors.Is(err, wechat.ErrStop):
		g.unavailable(w, r, retryAfter(err), f, err)
	case errors.Is(err, wechat.ErrAlert), errors.Is(err, wechat.ErrRelogin):
		g.misconfigured(w, r, f, err)
	default:
		g.unavailable(w, r, retryAfter(err), f, err)
	}
}

// retryAfter spreads visitors who met one of WeChat's quotas.
func retryAfter(err error) time.Duration {
	var e *wechat.Error
	switch {
	case errors.Is(err, wechat.ErrThrottled):
		return time.Minute + time.Duration(rand.N(20))*time.Second //nolint:gosec // spreads load; not a secret
	case errors.Is(err, wechat.ErrStop):
		return retryStop + time.Duration(rand.N(60))*time.Second //nolint:gosec // the same
	case errors.As(err, &e):
		return retryWeChat
	default:
		return retryStore
	}
}

// unavailable answers 503: WeChat or a store cannot be asked now. A visitor who
// was under way begins again where f says, by itself; the zero Flow is the page
// that was asked for.
func (g *Gate) unavailable(w http.ResponseWriter, r *Request, after time.Duration, f flow.Flow, err error) {
	g.logUnavailable(r, g.namedAccount(f), f.ID, err)
	w.Header().Set("Retry-After", strconv.Itoa(int(after.Seconds())))
	p := page.Page{Kind: page.Unavailable, RetryAfter: after, Reference: audit.ShortID(f.ID)}
	if isRead(r.Method) {
		if f.Target == "" {
			f.Target, f.Scope = request.CleanTarget(r.Original.RequestURI()), wechat.ScopeBase
		}
		p.ContinueURL = loginPath(f.Target, f.Scope)
	}
	g.show(w, r, p, "unavailable", "Sign-in does not work at the moment. Please try again in a moment.")
}

// misconfigured answers 500: only the operator can help.
func (g *Gate) misconfigured(w http.ResponseWriter, r *Request, f flow.Flow, err error) {
	g.logWeChat(slog.LevelError, "sign-in is misconfigured", f, err)
	g.show(w, r, page.Page{Kind: page.Misconfigured, Reference: audit.ShortID(f.ID)},
		"misconfigured", "Sign-in is not set up correctly on this site.")
}

func (g *Gate) tryAgain(w http.ResponseWriter, r *Request, f flow.Flow) {
	g.show(w, r, page.Page{Kind: page.TryAgain, Reference: audit.ShortID(f.ID), ContinueURL: loginPath(f.Target, f.Scope)},
		"try_again", "Signing in did not work out. Please try again.")
}

func (g *Gate) explainOutside(w http.ResponseWriter, r *Request, target string) {
	g.show(w, r, page.Page{Kind: page.OpenInWeChat, URL: request.ShownAddress(r.origin + target)},
		"open_in_wechat", "Please open this address in WeChat.")
}

// explainCookies stops the round. The count begins anew: whoever allows cookies
// and taps the button gets another try.
func (g *Gate) explainCookies(w http.ResponseWriter, r *Request, target string) {
	if r.foreignSession {
		// It keeps our cookies: it has brought another gateway's.
		g.explainForeign(w, r, flow.Flow{Target: target, Scope: wechat.ScopeBase})
		return
	}
	g.Logger.Warn("browser does not keep the session cookie", slog.String("site", r.origin))
	cookies.Landed.Clear(w, r.site)
	g.show(w, r, page.Page{Kind: page.CookiesOff, ContinueURL: loginPath(target, wechat.ScopeBase)}, "cookies_off", "This browser does not keep cookies of this site.")
}

func (g *Gate) explainSnapshot(w http.ResponseWriter, r *Request, f flow.Flow) {
	g.show(w, r, page.Page{Kind: page.Snapshot, ContinueURL: loginPath(f.Target, f.Scope)},
		"snapshot", "This is WeChat's read-only snapshot mode: tap 使用完整服务 first.")
}

// refuse answers a request that needs a session and cannot be redirected: JSON
// for scripts, a page for a form that was posted, and one for a navigation where the
// site admits nobody from outside WeChat. Never a redirect to WeChat: it would be
// invisible to a script and lose what a form holds.
func (g *Gate) refuse(w http.ResponseWriter, r *Request, target string) {
	switch {
	case r.token.sent || !request.WantsPage(r.Request):
		scope := wechat.ScopeBase
		if r.id != nil && !r.id.Guest() {
			scope = r.Need
		}
		g.refuseJSON(w, r, scope)
	case request.IsNavigation(r.Request):
		g.write(w, r, page.Page{Kind: page.OpenInWeChat, Status: http.StatusUnauthorized, URL: request.ShownAddress(r.origin + target)})
	default:
		g.write(w, r, page.Page{Kind: page.SignInExpired, ContinueURL: loginPath(g.cameFrom(r), wechat.ScopeBase)})
	}
}

// refuseJSON is the 401 that a script can act on.
func (g *Gate) refuseJSON(w http.ResponseWriter, r *Request, scope wechat.Scope) {
	if r.token.sent {
		g.refuseToken(w)
		return
	}
	body := response.Error{
		Code: http.StatusUnauthorized, Error: "not_signed_in",
		Message:     "There is no session. Open redirect_url in the browser to sign in.",
		RedirectURL: r.origin + loginPath(g.cameFrom(r), scope),
	}
	if scope == wechat.ScopeUserInfo && r.id != nil {
		body.Error, body.Message = "consent_required", "This needs the visitor's consent. Open redirect_url in the browser to ask for it."
	}
	response.WriteJSON(w, http.StatusUnauthorized, body)
}

// cameFrom is the page of this site that sent r, "" when unknown. Of the
// Referer only a path of this very site is used (attack: CVE-2024-21496).
func (g *Gate) cameFrom(r *Request) string {
	rest, ok := strings.CutPrefix(r.Header.Get("Referer"), r.origin+"/")
	if !ok {
		return ""
	}
	if target := request.CleanTarget("/" + rest); target != "/" {
		return target
	}
	return ""
}

// show answers with a page where a page is wanted, with JSON elsewhere.
func (g *Gate) show(w http.ResponseWriter, r *Request, p page.Page, code, message string) {
	if request.WantsPage(r.Request) && !r.token.sent {
		g.write(w, r, p)
		return
	}
	response.WriteError(w, p.HTTPStatus(), code, message)
}

// write answers with a page of this site.
func (g *Gate) write(w http.ResponseWriter, r *Request, p page.Page) {
	p.Site, p.Theme = siteName(r.origin), g.Rules.Theme
	p.Write(w, r.Request)
}
