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
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// newDance holds the purpose of a dance.
type newDance struct {
	target   string
	scope    wechat.Scope
	attempt  int    // how often the gate has restarted it
	first    string // the name of the restarted sign-in; "" for a new one
	optional bool   // the visitor may pass without an identity
	again    bool   // the visitor has tapped the button of explainForeign
	// need is the scope that a phone is asked for when it signs this browser
	// in.
	need wechat.Scope
}

// danceFor returns the silent dance that leads to the address of r.
func danceFor(r *site.Request) newDance {
	return newDance{
		target: request.CleanTarget(r.Original.RequestURI()), scope: wechat.ScopeBase,
		optional: r.Access == site.Optional, need: r.Need,
	}
}

// begin sends the visitor to WeChat.
func (g *Gate) begin(w http.ResponseWriter, r *site.Request, d newDance) {
	// A tap is no loop. If the gateways have the same keys by now, it succeeds;
	// if they do not, the next redirect ends at the page again.
	if !d.again && r.CountUnreadableSession(w) {
		g.explainForeign(w, r, flow.Flow{Target: d.target, Scope: d.scope})
		return
	}
	f, value := flow.New(d.target, d.scope, d.attempt, d.optional, r.BrowserSecret(w))
	f.First = d.first
	r.Flow = f.Name()
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
	g.countBegin(r, account, d.scope)
	g.Logger.Debug("sign-in started", slog.String("flow", f.Name()), slog.String("scope", string(d.scope)), slog.Int("attempt", d.attempt))
}

// startAnew restarts the sign-in of a visitor whose dance failed, up to
// flow.MaxAttempts times. The policy for clients outside WeChat applies.
func (g *Gate) startAnew(w http.ResponseWriter, r *site.Request, f flow.Flow, reason string) {
	g.Logger.Info("sign-in restarted", slog.String("flow", f.Name()), slog.String("reason", reason), slog.Int("attempt", f.Attempt))
	facts := g.facts(r)
	facts.Access, facts.Standing = site.Protected, NoSession
	verdict := Decide(facts)
	switch {
	case f.Optional:
		g.passWithout(w, r, f)
	case verdict == Pass:
		arrive(w, r, f.Target)
	case verdict == Begin && f.Attempt >= flow.MaxAttempts:
		g.tryAgain(w, r, f)
	default:
		g.answer(w, r, verdict, newDance{target: f.Target, scope: f.Scope, attempt: f.Attempt + 1, first: f.Name(), need: f.Scope})
	}
}

// passWithout lets the visitor of an optional path in without an identity: the
// landing cookie prevents an immediate second redirect to WeChat.
func (g *Gate) passWithout(w http.ResponseWriter, r *site.Request, f flow.Flow) {
	g.Counter(r).Set(w, cookies.Landings, "", site.ExcusedMark, cookies.LandingLife)
	arrive(w, r, f.Target)
}

// askConsent asks for consent: with our page, which WeChat's rules demand, or
// by an immediate redirect where the operator has configured it.
func (g *Gate) askConsent(w http.ResponseWriter, r *site.Request, target string) {
	// A browser that came back several times without consent gets the page, not
	// another redirect.
	if g.Rules.ConsentRedirect && r.Landings != site.MaxLandings {
		g.begin(w, r, newDance{target: target, scope: wechat.ScopeUserInfo})
		return
	}
	g.SignIns().Step(g.Account.Name, signin.StepAsked)
	p := page.Page{
		Kind:        page.Consent,
		ContinueURL: site.LoginPath(target, wechat.ScopeUserInfo),
	}
	if g.Rules.AllowDeclined {
		p.DeclineURL, p.ReturnTo = request.Prefix+"decline", target
	}
	g.WritePage(w, r, p)
}

// arrive ends a dance: it redirects to the exact address first asked for.
// Browsers carry a fragment over redirects that have none of their own (WHATWG
// Fetch, HTTP-redirect fetch), so that WeChat's #wechat_redirect would stay in
// the address bar, where many apps keep their state: such a browser gets an
// empty fragment instead. Clients that do not announce a navigation keep no
// fragment and get the address byte for byte.
func arrive(w http.ResponseWriter, r *site.Request, target string) {
	if r.Header.Get("Sec-Fetch-Mode") == "navigate" && !strings.Contains(target, "#") {
		target += "#"
	}
	site.ReturnTo(w, r, target)
}
