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

	declines   limit.One // of apps, see clients.Endpoints
	refusals   limit.One // on WeChat's QR page, see refusedAtWebsite
	foreigners limit.One // of lines in the log, see explainForeign
	badRequire limit.One // the same, see warnOfAnswer
	badLogout  limit.One // the same
	verifies   limit.One // the same, see warnOfVerifyFile
	strange    sync.Once
}

// Serve decides one request. It returns pass=true when the request goes on to
// the upstream, with the visitor's identity if there is one; otherwise it has
// answered the request, and nothing may be written behind its answer (attack:
// GHSA-59jp-rwph-878r, the protected body behind the login page).
func (g *Gate) Serve(w http.ResponseWriter, r *site.Request) (id *site.Identity, pass bool) {
	if !g.Prepare(r) {
		response.WriteError(w, http.StatusBadRequest, "bad_host", "The Host of this request is not a host name.")
		return nil, false
	}
	if r.HasSides && !r.Token.Sent {
		g.RedeemAside(w, r)
	}
	g.warnOfVerifyFile(r)
	if g.PassesPreflight(r) {
		return nil, true // without an identity, whatever it carries
	}
	if g.clients().HandOver(w, r) {
		return nil, false
	}
	err := g.Identify(r)
	switch {
	case err != nil && r.Access == site.Protected:
		// Unavailable is not absent: nobody is sent to WeChat and no cookie is
		// touched because a store does not answer.
		g.AllowOrigin(w, r)
		g.Unavailable(w, r, site.RetryStore, flow.Flow{}, err)
		return nil, false
	case err != nil, r.Access == site.Public, g.standing(r, r.Need) == Satisfied:
		// Decide's first row, before the costs of the other facts.
		r.ForgetForeign(w)
		return r.Identity, true
	case r.Token.Sent && r.Access == site.Protected:
		g.AllowOrigin(w, r)
		g.RefuseToken(w)
		return nil, false
	}
	verdict := Decide(g.facts(r))
	if verdict == Pass {
		r.ForgetForeign(w)
		return r.Identity, true
	}
	if !request.IsNavigation(r.Request) {
		g.AllowOrigin(w, r)
	}
	g.answer(w, r, verdict, danceFor(r))
	return nil, false
}

func (g *Gate) facts(r *site.Request) Facts {
	return Facts{
		Access:     r.Access,
		Standing:   g.standing(r, r.Need),
		Navigation: request.IsNavigation(r.Request) && !r.Token.Sent,
		Write:      !site.IsRead(r.Method) || r.Header.Get("Upgrade") != "", // a socket can carry anything
		InWeChat:   request.DetectBrowser(r.UserAgent()).InWeChat(),
		Outside:    g.outside(),
		Adrift:     r.Landed == site.MaxLandings,
		Excused:    r.Landed == site.Excused || r.Foreign.N >= cookies.MaxForeign,
	}
}

// standing is what the request's session is worth where need is asked.
func (g *Gate) standing(r *site.Request, need wechat.Scope) Standing {
	switch {
	case r.Identity == nil:
		return Nobody
	case r.Identity.Guest():
		if !g.Rules.SnapshotGuest {
			return Nobody
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

// answer carries out every verdict but Pass, of whatever facts it is. d is the dance that
// the visitor would be led through.
func (g *Gate) answer(w http.ResponseWriter, r *site.Request, v Verdict, d newDance) {
	switch v {
	case Begin:
		g.begin(w, r, d)
	case AskConsent:
		g.askConsent(w, r, d.target)
	case RefuseWrite:
		response.WriteError(w, http.StatusForbidden, "snapshot_read_only", "This is WeChat's read-only snapshot mode: tap 使用完整服务 first.")
	case ExplainOutside:
		g.explainOutside(w, r, d.target)
	case ExplainCookies:
		g.explainCookies(w, r, d.target)
	case ShowScan:
		g.showScan(w, r, d.target, d.need)
	default:
		g.refuse(w, r, d.target)
	}
}
