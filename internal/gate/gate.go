package gate

import (
	"net/http"
	"sync"

	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Gate guards one site.
type Gate struct {
	site.Site

	declines    limit.One  // limits declines reported by apps, see clients.Endpoints
	refusals    limit.One  // limits refusals on WeChat's QR page, see refusedAtWebsite
	foreigners  limit.Line // limits a log line, see explainForeign
	badRequire  limit.Line // limits a log line, see warnOfAnswer
	badLogout   limit.Line // limits a log line, see LogoutAsked
	verifies    limit.Line // limits a log line, see warnOfVerifyFile
	sockets     limit.Line // limits a log line, see refuseSocket
	formOrigins limit.Line // limits a log line, see warnOfFormOrigin
	cookiesOff  limit.Line // limits a log line, see explainCookies
	strange     sync.Once
}

// Serve decides one request. It returns pass=true when the request goes on to
// the upstream, with the visitor's identity if there is one; otherwise it has
// answered the request, and the caller must not write after that answer
// (attack: GHSA-59jp-rwph-878r, the protected body behind the login page).
func (g *Gate) Serve(w http.ResponseWriter, r *site.Request) (id *site.Identity, pass bool) {
	if !g.Prepare(r) {
		g.Hub.Counts.Decide(site.DecidedBadHost)
		response.WriteError(w, http.StatusBadRequest, "bad_host", "The Host of this request is not a host name.")
		return nil, false
	}
	if r.HasOtherCookies && !r.Token.Sent {
		g.TryCompleteLogout(w, r)
	}
	g.warnOfVerifyFile(r)
	if g.PassesPreflight(r) {
		g.Hub.Counts.Decide(site.DecidedPassAnonymous)
		return nil, true // without an identity, even if it carries a session
	}
	if g.clients().ServeTicketLink(w, r) {
		g.Hub.Counts.Decide(site.DecidedTicket)
		return nil, false
	}
	err := g.Identify(r)
	switch {
	case err != nil && r.Access == site.Protected:
		// Unavailable is not absent: while a store does not answer, no visitor
		// is sent to WeChat and no cookie changes.
		g.Hub.Counts.Decide(unavailable(err))
		g.AllowOrigin(w, r)
		g.logUnkept(r, storeFails)
		g.Unavailable(w, r, site.RetryStore, flow.Flow{}, err)
		return nil, false
	case r.Refused != nil && r.Access == site.Protected:
		return g.keepOut(w, r)
	case g.CrossSiteSocket(r):
		g.Hub.Counts.Decide(site.DecidedRefuseSocket)
		g.refuseSocket(w, r)
		return nil, false
	case err != nil, r.Access == site.Public, r.Refused != nil, g.standing(r, r.Need) == Satisfied:
		// This is Decide's first row; it is checked here to save the cost of
		// the other facts.
		return g.pass(w, r)
	case r.Token.Sent && r.Access == site.Protected:
		g.Hub.Counts.Decide(site.DecidedRefuseToken)
		g.AllowOrigin(w, r)
		g.RefuseToken(w)
		return nil, false
	}
	facts := g.facts(r)
	facts.Form = g.canKeep(r)
	verdict := Decide(facts)
	if verdict == Pass {
		return g.pass(w, r)
	}
	g.Hub.Counts.Decide(verdict.decision())
	if !request.IsNavigation(r.Request) {
		g.AllowOrigin(w, r)
	}
	g.answerPage(w, r, verdict, askedByPage)
	return nil, false
}

func (g *Gate) facts(r *site.Request) Facts {
	return Facts{
		Access:       r.Access,
		Standing:     g.standing(r, r.Need),
		Navigation:   request.IsNavigation(r.Request) && !r.Token.Sent,
		Write:        !site.IsRead(r.Method) || r.Header.Get("Upgrade") != "", // a socket can carry writes
		InWeChat:     request.DetectBrowser(r.UserAgent()).InWeChat(),
		Outside:      g.outside(),
		LosesCookies: r.Landings == site.MaxLandings,
		Excused:      r.Landings == site.ExcusedMark || r.Unreadable.N >= cookies.MaxUnreadable,
	}
}

// standing says how far the request's session satisfies the scope need.
func (g *Gate) standing(r *site.Request, need wechat.Scope) Standing {
	switch {
	case r.Identity == nil:
		return NoSession
	case r.Identity.Guest():
		if !g.AdmitsGuests() {
			return NoSession
		}
		return Guest
	case need == wechat.ScopeBase || r.Identity.Scope == wechat.ScopeUserInfo:
		return Satisfied
	case g.Rules.AllowDeclined && g.DeclinedRecently(r.Identity):
		return Satisfied
	default:
		return Lacking
	}
}

// answer carries out every verdict but Pass. d is the dance to begin if the
// verdict calls for one.
func (g *Gate) answer(w http.ResponseWriter, r *site.Request, v Verdict, d newDance) {
	switch v {
	case Begin:
		g.begin(w, r, d)
	case AskConsent:
		g.askConsent(w, r, d.target)
	case RefuseWrite:
		g.logUnkept(r, inSnapshot)
		response.WriteError(w, http.StatusForbidden, "snapshot_read_only", "This is WeChat's read-only snapshot mode: tap 使用完整服务 first.")
	case ExplainOutside:
		g.explainOutside(w, r, d.target)
	case ExplainCookies:
		g.explainCookies(w, r, d.target)
	case ShowScan:
		g.showScan(w, r, d.target, d.need)
	case KeepForm:
		g.keepForm(w, r, d)
	default:
		g.refuse(w, r, d.target)
	}
}
