package gate

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// The response headers by which an upstream speaks back. Visitors never see
// them.
const (
	HeaderRequire = "X-Wechat-Require"
	HeaderLogout  = "X-Wechat-Logout"
)

// declinePause is how long after a decline the upstream's own 401 or 403 is
// shown instead of the question that was just answered.
const declinePause = time.Minute

// Require carries out X-Wechat-Require of an upstream's 401 or 403: the visitor
// is asked for what the app wants and comes back. It returns what answers
// instead of the upstream, or nil: then the upstream's answer stands, so that
// an app which asks for what the visitor has already given, or just declined,
// never sends anybody round.
func (g *Gate) Require(r *Request, status int, want string) func(http.ResponseWriter) {
	scope := wechat.Scope(want)
	if status != http.StatusUnauthorized && status != http.StatusForbidden ||
		scope != wechat.ScopeBase && scope != wechat.ScopeUserInfo {
		return nil
	}
	standing := g.standingForLogin(r, scope)
	if standing == Satisfied || r.id != nil && (r.id.Guest() || time.Since(r.id.session.Declined) < declinePause) {
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
		return func(w http.ResponseWriter) { g.answer(w, r, verdict) }
	}
}

// EndByUpstream carries out X-Wechat-Logout: the session ends and its cookie
// goes. It must be called before the answer's headers are sent.
func (g *Gate) EndByUpstream(w http.ResponseWriter, r *Request) {
	if r.id == nil {
		return
	}
	if err := g.endSession(r); err != nil {
		g.logWeChat(slog.LevelError, "session not ended for the upstream", Flow{}, err)
	}
	jar.Clear(w, r.secure)
	setLandings(w, 0, r.secure)
}
