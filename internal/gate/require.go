package gate

import (
	"net/http"

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
func (g *Gate) Require(r *Request, status int, want string) func(http.ResponseWriter) {
	scope := wechat.Scope(want)
	if status != http.StatusUnauthorized && status != http.StatusForbidden ||
		scope != wechat.ScopeBase && scope != wechat.ScopeUserInfo {
		return nil
	}
	standing := g.standingForLogin(r, scope)
	if standing == Satisfied || r.id != nil && (r.id.Guest() || !g.mayAsk(r)) {
		return nil
	}
	facts := g.facts(r)
	facts.Access, facts.Standing = Protected, standing
	switch verdict := Decide(facts.asked()); {
	case verdict == Pass, verdict == Refuse && wantsPage(r.Request):
		return nil
	case verdict == Refuse:
		return func(w http.ResponseWriter) { g.refuseJSON(w, r, scope) }
	default:
		return func(w http.ResponseWriter) {
			g.countAsked(w, r)
			if scope == wechat.ScopeUserInfo {
				r.Need = scope // where a phone is asked, it is asked for this at once
			}
			g.answer(w, r, verdict)
		}
	}
}
