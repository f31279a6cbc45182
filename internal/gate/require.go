package gate

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// The response headers by which an upstream instructs the gateway. The gateway
// removes them from the answer.
const (
	HeaderRequire = "X-Wechat-Require"
	HeaderLogout  = "X-Wechat-Logout"
)

// Require carries out X-Wechat-Require of an upstream's 401 or 403: the visitor
// is asked for the scope and comes back. It returns the handler that answers
// instead of the upstream, or nil if the upstream's answer stands. It stands
// when the visitor has already given the scope, has just declined it, or has
// declined and was asked again three times, so that the app never causes a
// redirect loop.
func (g *Gate) Require(r *site.Request, status int, want string) func(http.ResponseWriter) {
	scope := wechat.Scope(want)
	if scope != wechat.ScopeBase && scope != wechat.ScopeUserInfo {
		g.warnOfAnswer(r, &g.badRequire, HeaderRequire, want, "write snsapi_userinfo or snsapi_base")
		return nil
	}
	if status != http.StatusUnauthorized && status != http.StatusForbidden {
		return nil
	}
	if r.Refused != nil { // on a public path: another sign-in would not help
		return func(w http.ResponseWriter) { g.notAllowed(w, r, danceFor(r).target) }
	}
	standing := g.standingForLogin(r, scope)
	if standing == Satisfied || r.Identity != nil && (r.Identity.Guest() || !g.MayAsk(r)) {
		return nil
	}
	facts := g.facts(r)
	facts.Access, facts.Standing = site.Protected, standing
	switch verdict := Decide(facts.signInRequested()); {
	case verdict == Pass:
		return nil
	case verdict == Refuse && request.WantsPage(r.Request):
		g.logUnkept(r, readByApp)
		return nil
	case verdict == Refuse:
		return func(w http.ResponseWriter) { g.refuseJSON(w, r, scope) }
	default:
		return func(w http.ResponseWriter) {
			g.CountPrompt(w, r)
			if scope == wechat.ScopeUserInfo {
				r.Need = scope // a phone that signs this browser in is asked for this scope at once
			}
			g.answerPage(w, r, verdict, askedByApp)
		}
	}
}

// maxAnswerLogged bounds how many bytes of an upstream's header the log
// repeats.
const maxAnswerLogged = 64

// LogoutAsked reports whether a value of X-Wechat-Logout ends the session: only
// 1 does. It logs a value that is neither empty, 0 nor 1.
func (g *Gate) LogoutAsked(r *site.Request, value string) bool {
	if value != "" && value != "0" && value != "1" {
		g.warnOfAnswer(r, &g.badLogout, HeaderLogout, value, "write 1")
	}
	return value == "1"
}

// warnOfAnswer logs, once a minute, that an upstream's header has no effect:
// the app has no other way to learn it.
func (g *Gate) warnOfAnswer(r *site.Request, line *limit.Line, header, value, advice string) {
	if len(value) > maxAnswerLogged {
		value = value[:maxAnswerLogged] + "…"
	}
	line.Warn(g.Logger, site.MistakeRate, "the app's answer has "+header+" with an unknown value, which is ignored: "+advice,
		slog.String("site", r.Origin), slog.String("value", strings.ToValidUTF8(value, "?")))
}
