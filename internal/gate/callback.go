package gate

import (
	"log/slog"
	"net/http"
	"net/url"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// callback answers WeChat's redirect back to the site. The order is the
// defence: the sealed flow, the state and the binding cookie are checked before
// the code is spent (attack: burning other people's codes, login CSRF).
func (g *Gate) callback(w http.ResponseWriter, r *site.Request) {
	if r.Method != http.MethodGet {
		// A HEAD is a link preview; it must not spend a code.
		response.MethodNotAllowed(w, http.MethodGet)
		return
	}
	f, unreadable := g.flowOf(r)
	r.Flow = f.Name()
	if g.framed(r, f) {
		g.explainFrame(w, r)
		return
	}
	if err := g.Identify(r); err != nil {
		// The code is not spent yet, so it still works when the store is back.
		g.countEnd(f, signin.StoreUnavailable)
		g.Unavailable(w, r, site.RetryStore, f, err)
		return
	}
	if r.CountUnreadableCallback(w, unreadable) {
		g.countEnd(f, signin.Invalid)
		g.explainForeign(w, r, f)
		return
	}
	known := r.Identity != nil && !r.Identity.Guest()
	if _, fresh := g.codeOf(r, f); known && !fresh && (f.Scope == wechat.ScopeBase || r.Identity.Scope == wechat.ScopeUserInfo) {
		// A back button, a reload, a second tab or a second hit: the visitor is
		// already signed in.
		g.countArrival(f)
		arrive(w, r, f.Target)
		return
	}
	answer := parseAnswer(r.Original.RawQuery)
	switch {
	case unreadable != nil:
		g.endAnew(w, r, f, signin.Invalid, "unreadable flow")
	case !g.Sealer(r).StateIs(f.ID, answer.state):
		g.endAnew(w, r, f, signin.Invalid, "state does not match")
	case !f.BoundTo(r.Request, r.CookieScope, r.HeldSecrets()):
		// WeChat's crawler, a shared link, a lost cookie: spends nothing.
		g.endAnew(w, r, f, signin.CookieMissing, "binding cookie missing")
	case known && !r.Identity.Person.Is(f.Person):
		g.metAnother(w, r, f, answer.code)
	case f.Expired():
		g.endAnew(w, r, f, signin.Expired, "flow expired")
	case answer.code == "" && !answer.ambiguous:
		g.countEnd(f, signin.Declined)
		g.refused(w, r, f)
	case answer.ambiguous:
		g.endAnew(w, r, f, signin.Invalid, "more than one code")
	default:
		g.finish(w, r, f, answer.code)
	}
}

// flowOf returns the flow of a callback. If it cannot be read (an old key, a
// cut address, garbage), flowOf returns a flow to the front page and the error.
func (g *Gate) flowOf(r *site.Request) (f flow.Flow, unreadable error) {
	f, unreadable = g.Sealer(r).Open(r.Original.EscapedPath())
	if unreadable != nil {
		f = flow.Flow{Target: "/", Scope: wechat.ScopeBase, Attempt: 1}
	}
	return f, unreadable
}

// wechatAnswer is what WeChat appended to the callback address.
type wechatAnswer struct {
	code, state string
	ambiguous   bool // several different codes: the address was tampered with
}

// maxQuery bounds the callback's query in bytes.
const maxQuery = 4096

// parseAnswer reads code and state. When WeChat finds a state in the address it
// appends a second one, so the last one counts (wechat-protocol A2).
func parseAnswer(rawQuery string) wechatAnswer {
	if len(rawQuery) > maxQuery {
		return wechatAnswer{ambiguous: true}
	}
	q, err := url.ParseQuery(rawQuery)
	if err != nil && len(q) == 0 {
		return wechatAnswer{}
	}
	var a wechatAnswer
	for _, state := range q["state"] {
		a.state = state
	}
	for _, code := range q["code"] {
		a.ambiguous = a.ambiguous || a.code != "" && a.code != code
		a.code = code
	}
	if a.code == wechat.CodeDenied {
		a.code = ""
	}
	return a
}

// refused handles a state without a valid code. Official accounts never call
// back on a refusal today; other surfaces and old clients do.
func (g *Gate) refused(w http.ResponseWriter, r *site.Request, f flow.Flow) {
	if f.Account != "" {
		g.refusedAtWebsite(w, r, f)
		return
	}
	g.Logger.Info("the visitor refused to sign in at WeChat", slog.String("flow", f.Name()), slog.String("scope", string(f.Scope)))
	known := r.Identity != nil && !r.Identity.Guest()
	if !known {
		// The decline of an unknown visitor is audited, but not queued as an
		// event: visitors who are not signed in must not fill the outbox
		// (attack: a flood of refused dances).
		g.WriteAudit(r, audit.Record{Action: audit.ActionDecline, Scope: string(f.Scope), Reason: audit.ReasonWeChat, Flow: f.Name()})
	}
	switch {
	case f.Optional:
		g.passWithout(w, r, f)
	case known && f.Scope == wechat.ScopeBase:
		// A silent dance for a scan code: the visitor declined nothing, and the
		// scan code would lead straight back to WeChat.
		g.tryAgain(w, r, f)
	case known:
		// The visitor refused consent. The person stays signed in with the
		// openid, and the target decides what comes next.
		if !g.Decline(w, r, f, audit.ReasonWeChat, f.ID) {
			return
		}
		if !g.Rules.AllowDeclined && g.Rules.ConsentRedirect {
			// The target would lead straight back to WeChat, in a loop where a
			// client refuses without asking the visitor.
			g.tryAgain(w, r, f)
			return
		}
		arrive(w, r, f.Target)
	default:
		g.tryAgain(w, r, f)
	}
}

// metAnother handles a callback of a dance that was begun by another person
// than the one signed in now. On plain http a sibling host can plant all
// cookies (attack: a link replaces a visitor's session). It accepts the
// callback only if this very dance made the current session, at the first of
// WeChat's two hits.
func (g *Gate) metAnother(w http.ResponseWriter, r *site.Request, f flow.Flow, code string) {
	ctx, cancel := g.StoreContext(r)
	defer cancel()
	o, err := g.Hub.Memory.Once.Known(ctx, r.Hit(signin.QueueOf(g.Account), f.ID, code))
	switch {
	case err != nil:
		g.countEnd(f, signin.StoreUnavailable)
		g.Unavailable(w, r, site.RetryStore, f, err)
	case o.Session != nil && o.Session.ID == r.Identity.Session.ID:
		g.enter(w, r, f, o, r.Binding(g.Account))
	default:
		g.endAnew(w, r, f, signin.Invalid, "begun by another person")
	}
}

// finish spends the code and sends the visitor, signed in, to the address that
// was first asked for.
func (g *Gate) finish(w http.ResponseWriter, r *site.Request, f flow.Flow, code string) {
	account, ok := g.FlowAccount(f)
	if !ok {
		g.endAnew(w, r, f, signin.Invalid, "the account is not this site's any more")
		return
	}
	in := signin.Attempt{
		Account: account, Binding: r.Binding(account), Hit: r.Hit(signin.QueueOf(account), f.ID, code), Visitor: site.VisitorOf(r),
		Exchange: g.Exchanger(r).For(account.Kind), Guest: g.AdmitsGuests(),
	}
	if f.Account == "" {
		in.RequestedScope = f.Scope
	}
	o, err := g.Signer().SignIn(r.Context(), in)
	switch {
	case err != nil:
		g.failed(w, r, f, err)
	case o.Snapshot && f.Optional:
		g.passWithout(w, r, f)
	case o.Session == nil, o.Snapshot && request.IsOwnPage(f.Target):
		// A guest cannot confirm a scan code or send a form, and must not
		// replace the session of a visitor.
		g.explainSnapshot(w, r, f)
	default:
		g.enter(w, r, f, o, in.Binding)
	}
}

// enter gives the browser its session and sends it to the address first asked
// for.
func (g *Gate) enter(w http.ResponseWriter, r *site.Request, f flow.Flow, o signin.Outcome, b session.Binding) {
	switch lives, err := g.OutcomeValid(r, o, b.AppID); {
	case err != nil:
		g.failed(w, r, f, err)
	case !lives:
		// A duplicate hit after the session ended or a newer one replaced it
		// (attack: the address of a dance signs in after the logout).
		g.Hub.Memory.Once.Drop(f.ID)
		g.startAnew(w, r, f, "session already ended")
	default:
		target := f.Target
		if c, fresh := g.codeOf(r, f); fresh {
			target += "?" + scanBack
			if err := g.proveScan(w, r, c, f.Target, o.Session.ID); err != nil {
				g.misconfigured(w, r, f, err)
				return
			}
		}
		g.SetSession(w, r, o.Value, o.Session)
		g.CountLanding(w, r)
		if r.Prompts > 0 && o.Session.Declined.IsZero() {
			g.SetPromptCount(w, r, 0) // the count belongs to another session
		}
		arrive(w, r, target)
	}
}
