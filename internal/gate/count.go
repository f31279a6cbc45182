package gate

import (
	"net/http"

	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// The sign-ins of browsers are counted where they begin, at a redirect to
// WeChat, and where they end: here, or in [signin.Signer] if the code is spent.

// countBegin counts a redirect to WeChat.
func (g *Gate) countBegin(r *site.Request, a wechat.Account, scope wechat.Scope) {
	way := signin.WayOf(a, scope)
	g.SignIns().Begin(a.Name, way)
	if way == signin.ByConsent && r.Identity != nil && !r.Identity.Guest() {
		g.SignIns().Step(a.Name, signin.StepSent)
	}
}

// countEnd counts the end of a flow without a code that was spent. The account
// is one of the site's: an address that cannot be read, or names an account
// that is gone, counts for the official account (attack: forged addresses make
// metrics without end).
func (g *Gate) countEnd(f flow.Flow, how signin.Finish) {
	account, ok := g.FlowAccount(f)
	if !ok {
		account = g.Account
	}
	g.SignIns().End(account.Name, signin.WayOf(account, f.Scope), how)
}

// countArrival counts the end of a flow whose visitor is signed in, unless it
// is a second hit of a flow that was counted.
func (g *Gate) countArrival(f flow.Flow) {
	if !g.Hub.Memory.Once.Ran(f.ID) {
		g.countEnd(f, signin.Already)
	}
}

// endAnew counts the end of a flow, and begins another one.
func (g *Gate) endAnew(w http.ResponseWriter, r *site.Request, f flow.Flow, how signin.Finish, reason string) {
	g.countEnd(f, how)
	g.startAnew(w, r, f, reason)
}

// countScan counts the end of a sign-in by a code on a screen.
func (g *Gate) countScan(how signin.Finish) { g.SignIns().End(g.Account.Name, signin.ByScan, how) }
