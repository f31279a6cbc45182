package gate

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// newDance says what a dance is begun for.
type newDance struct {
	target   string
	scope    wechat.Scope
	attempt  int  // how often it was started anew by itself
	optional bool // the visitor may pass without it
	// need is what a phone is asked for that signs this browser in instead.
	need wechat.Scope
}

// danceFor is the dance that leads to the address that r asks for, silently.
func danceFor(r *site.Request) newDance {
	return newDance{
		target: request.CleanTarget(r.Original.RequestURI()), scope: wechat.ScopeBase,
		optional: r.Access == site.Optional, need: r.Need,
	}
}

// begin sends the visitor to WeChat.
func (g *Gate) begin(w http.ResponseWriter, r *site.Request, d newDance) {
	if r.ForeignBegin(w) {
		g.explainForeign(w, r, flow.Flow{Target: d.target, Scope: d.scope})
		return
	}
	f, value := flow.New(d.target, d.scope, d.attempt, d.optional, r.BrowserSecret(w))
	if r.Identity != nil {
		f.Person = r.Identity.Person.ID
	}
	account := g.signInAccount(r)
	if account.Kind == wechat.Website {
		f.Account = account.Name
	}
	cookies.Flow.SetAt(w, r.CookieScope, flow.CallbackPath+f.ID, value) // sent to this flow's callback only
	location, err := g.signInURL(w, r, account, f)
	if err != nil {
		g.misconfigured(w, r, f, err)
		return
	}
	response.Redirect(w, http.StatusFound, location)
	g.Logger.Debug("dance begun", slog.String("flow", audit.ShortID(f.ID)), slog.String("scope", string(d.scope)), slog.Int("attempt", d.attempt))
}

// startAnew begins a fresh dance for a visitor whose dance went wrong, with the
// policy for clients outside WeChat, and not for ever.
func (g *Gate) startAnew(w http.ResponseWriter, r *site.Request, f flow.Flow, reason string) {
	g.Logger.Info("dance started anew", slog.String("flow", audit.ShortID(f.ID)), slog.String("reason", reason), slog.Int("attempt", f.Attempt))
	facts := g.facts(r)
	facts.Access, facts.Standing = site.Protected, Nobody
	verdict := Decide(facts)
	switch {
	case f.Optional:
		g.passWithout(w, r, f)
	case verdict == Pass:
		arrive(w, r, f.Target)
	case verdict == Begin && f.Attempt >= flow.MaxAttempts:
		g.tryAgain(w, r, f)
	default:
		g.answer(w, r, verdict, newDance{target: f.Target, scope: f.Scope, attempt: f.Attempt + 1, need: f.Scope})
	}
}

// passWithout lets the visitor of an optional path in without an identity: the
// landing cookie keeps the path from asking WeChat again at once.
func (g *Gate) passWithout(w http.ResponseWriter, r *site.Request, f flow.Flow) {
	g.Counter(r).Set(w, cookies.Landed, "", site.Excused, cookies.LandingLife)
	arrive(w, r, f.Target)
}

// askConsent asks for the second step: by our page, which WeChat's rules
// demand, or at once where the operator wants it.
func (g *Gate) askConsent(w http.ResponseWriter, r *site.Request, target string) {
	// Whoever came back again and again without what was asked reads a page
	// instead of being sent once more.
	if g.Rules.ConsentRedirect && r.Landed != site.MaxLandings {
		g.begin(w, r, newDance{target: target, scope: wechat.ScopeUserInfo})
		return
	}
	p := page.Page{
		Kind:        page.Consent,
		ContinueURL: site.LoginPath(target, wechat.ScopeUserInfo),
	}
	if g.Rules.AllowDeclined {
		p.DeclineURL, p.ReturnTo = request.Prefix+"decline", target
	}
	g.WritePage(w, r, p)
}

// arrive ends a dance at the exact address first asked for. Browsers carry a
// fragment over redirects that have none of their own (WHATWG Fetch, HTTP-redirect
// fetch), so that WeChat's #wechat_redirect would stay in the address bar, where
// many apps keep their state: they get an empty one instead. Clients that do not
// say that they navigate carry nothing, and get the address byte for byte.
func arrive(w http.ResponseWriter, r *site.Request, target string) {
	if r.Header.Get("Sec-Fetch-Mode") == "navigate" && !strings.Contains(target, "#") {
		target += "#"
	}
	site.ReturnTo(w, r, target)
}
