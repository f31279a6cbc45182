package gate

import (
	"log/slog"
	"net/http"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/notice"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// A site with a website account sends browsers outside WeChat to WeChat's own
// QR page. It is the same dance with another account, named in the flow. WeChat
// asks for everything at once there, so such a session satisfies every scope.

// outside returns how visitors outside WeChat are handled. Only a website
// account can send them to WeChat's own servers.
func (g *Gate) outside() site.Outside {
	o := g.Rules.OutsideWeChat
	if o == site.OutsideLogin && g.Hub.RealWeChat && !g.HasKind(wechat.Website) {
		o = site.OutsideScan
	}
	if o == site.OutsideScan && g.Hub.Scans == nil {
		o = site.OutsideQR
	}
	return o
}

// signInAccount returns the account that signs the visitor of r in.
func (g *Gate) signInAccount(r *site.Request) wechat.Account {
	if g.outside() == site.OutsideLogin && !request.DetectBrowser(r.UserAgent()).InWeChat() {
		for _, a := range g.OtherAccounts {
			if a.Kind == wechat.Website {
				return a
			}
		}
	}
	return g.Account
}

// maxHandedCode bounds, in bytes, what WeChat adds to a callback that is handed
// on: a code of at most 512 bytes and the state.
const maxHandedCode = len("?code=&state=") + 512 + 64

// signInURL returns the address of WeChat's page for a flow. If that makes the
// answer's headers too long, the flow comes back without the fragment, or else
// to the front page.
func (g *Gate) signInURL(w http.ResponseWriter, r *site.Request, a wechat.Account, f flow.Flow) (string, error) {
	sealer := g.Sealer(r)
	path, err := sealer.Path(f)
	if err != nil {
		return "", err
	}
	callback := g.callbackAddress(r, path)
	location := g.askURL(a, callback, f.Scope, sealer.State(f.ID))
	handedOn := len(r.Origin) + len(path) + maxHandedCode + response.AddedLater
	if f.Target != "/" && (!response.HeaderFits(w.Header(), location) || callback != r.Origin+path && handedOn >= response.MaxHeader) {
		f.Target = g.shorten(f.Target)
		return g.signInURL(w, r, a, f)
	}
	return location, nil
}

// askURL returns the address of WeChat's page for an account.
func (g *Gate) askURL(a wechat.Account, callback string, scope wechat.Scope, state string) string {
	if a.Kind == wechat.Website {
		return g.Hub.WeChat.QRConnectURL(wechat.QRConnect{AppID: a.Credentials.AppID, RedirectURI: callback, State: state})
	}
	return g.Hub.WeChat.AuthorizeURL(wechat.Authorize{AppID: a.Credentials.AppID, RedirectURI: callback, Scope: scope, State: state})
}

// refusedAtWebsite handles a state without a code, as WeChat's QR page used to
// send it. Today WeChat does not call back on a refusal: its page stays, and
// the visitor goes back.
func (g *Gate) refusedAtWebsite(w http.ResponseWriter, r *site.Request, f flow.Flow) {
	g.Logger.Info("the visitor refused to sign in at WeChat", slog.String("flow", f.Name()), slog.String("account", f.Account))
	scope := wechat.Website.SessionScope()
	g.WriteAudit(r, audit.Record{Action: audit.ActionDecline, Account: f.Account, Scope: scope, Reason: audit.ReasonWeChat, Flow: f.Name()})
	if account, known := g.FlowAccount(f); known {
		e := ledger.Event{
			ID: notice.EventID(ledger.Declined, f.ID), Kind: ledger.Declined, AppID: account.Credentials.AppID, Scope: scope, Reason: audit.ReasonWeChat,
		}
		g.tellRefusal(r, f, e)
	}
	g.tryAgain(w, r, f)
}

// tellRefusal queues the event of a refusal at WeChat's QR page.
func (g *Gate) tellRefusal(r *site.Request, f flow.Flow, e ledger.Event) {
	if r.Identity != nil && !r.Identity.Guest() {
		e.Person = r.Identity.Session.Person
		if !g.Teller().Allow(e.Kind, e.Person, e.ID) {
			return
		}
	} else if !g.Teller().AllowUnknown(r.Network(), &g.refusals, e.ID) {
		return
	}
	ctx, cancel := g.StoreContext(r)
	defer cancel()
	if err := g.Teller().Queue(ctx, e); err != nil {
		g.LogFailed(r, slog.LevelError, "could not record a declined sign-in", f, err)
	}
}

// framed reports a callback inside a frame. That happens when the site shows
// WeChat's QR page in a frame (wxLogin's self_redirect). The redirect from
// WeChat is cross-site, so the browser sends no cookie into the frame, and a
// restart would show the visitor one code after the other.
func (g *Gate) framed(r *site.Request, f flow.Flow) bool {
	if dest := r.Header.Get("Sec-Fetch-Dest"); dest != "iframe" && dest != "frame" {
		return false
	}
	// The official account's callback works as usual if the cookie was sent.
	return f.Account != "" || !f.BoundTo(r.Request, r.CookieScope, r.HeldSecrets())
}

// explainFrame shows a page with one link: it opens this same address in the
// whole window, now with the cookies. It spends no code, and only pages of this
// site can frame it (attack: clickjacking; and a foreign page that finishes a
// dance without the visitor's knowledge).
func (g *Gate) explainFrame(w http.ResponseWriter, r *site.Request) {
	g.Show(w, r, page.Page{Kind: page.Framed}, "framed", "Open this address in the whole window.")
}
