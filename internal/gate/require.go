package gate

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// The response headers by which an upstream speaks back. Visitors never see
// them.
const (
	HeaderRequire = "X-Wechat-Require"
	HeaderLogout  = "X-Wechat-Logout"
)

// Require carries out X-Wechat-Require of an upstream's 401 or 403: the visitor
// is asked for what the app wants and comes back. It returns what answers
// instead of the upstream, or nil: then the upstream's answer stands, so that
// an app which asks for what the visitor has already given, or just declined, or
// declined and was asked again three times, never sends anybody round.
func (g *Gate) Require(r *site.Request, status int, want string) func(http.ResponseWriter) {
	scope := wechat.Scope(want)
	if scope != wechat.ScopeBase && scope != wechat.ScopeUserInfo {
		g.warnOfAnswer(r, &g.badRequire, HeaderRequire, want, "write snsapi_userinfo or snsapi_base")
		return nil
	}
	if status != http.StatusUnauthorized && status != http.StatusForbidden {
		return nil
	}
	standing := g.standingForLogin(r, scope)
	if standing == Satisfied || r.Identity != nil && (r.Identity.Guest() || !g.MayAsk(r)) {
		return nil
	}
	facts := g.facts(r)
	facts.Access, facts.Standing = site.Protected, standing
	switch verdict := Decide(facts.asked()); {
	case verdict == Pass, verdict == Refuse && request.WantsPage(r.Request):
		return nil
	case verdict == Refuse:
		return func(w http.ResponseWriter) { g.refuseJSON(w, r, scope) }
	default:
		return func(w http.ResponseWriter) {
			g.CountAsked(w, r)
			if scope == wechat.ScopeUserInfo {
				r.Need = scope // where a phone is asked, it is asked for this at once
			}
			g.answer(w, r, verdict, danceFor(r))
		}
	}
}

// maxAnswerLogged bounds what the log repeats of an upstream's header, in bytes.
const maxAnswerLogged = 64

// LogoutAsked reports whether a value of X-Wechat-Logout ends the session: 1 does.
// Of a value that means neither yes nor no, the log says so.
func (g *Gate) LogoutAsked(r *site.Request, value string) bool {
	if value != "" && value != "0" && value != "1" {
		g.warnOfAnswer(r, &g.badLogout, HeaderLogout, value, "write 1")
	}
	return value == "1"
}

// warnOfAnswer says, once a minute, that an upstream's header has no effect: the app
// has no other way to hear of it.
func (g *Gate) warnOfAnswer(r *site.Request, lines *limit.One, header, value, advice string) {
	if !lines.Take(limit.Rate{Burst: 1, Every: time.Minute}) {
		return
	}
	if len(value) > maxAnswerLogged {
		value = value[:maxAnswerLogged] + "…"
	}
	g.Logger.Warn("the app's answer has "+header+" with a value that has no meaning; it is ignored: "+advice,
		slog.String("site", r.Origin), slog.String("value", strings.ToValidUTF8(value, "?")))
}
