package gate

import (
	"net/http"

	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// resend answers the page that sends a form which waits in the tab. The page
// needs what the form needs, so the visitor is signed in, or asked, first. Its
// script asks the same address once more before it sends the form.
func (g *Gate) resend(w http.ResponseWriter, r *site.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		response.MethodNotAllowed(w, http.MethodGet, http.MethodHead)
		return
	}
	t, ok := openResendTicket(g.Hub.Keys, g.Sealer(r).Bound, r.Original.Path)
	if !ok {
		g.nothingWaits(w, r, nil)
		return
	}
	if !g.Rules.PreservePost.Keeps() || !t.lives(r.HeldSecrets()) {
		g.nothingWaits(w, r, formTask{Task: taskDrop})
		return
	}
	r.Access, r.Need = site.Protected, t.Need
	if err := g.Identify(r); err != nil {
		g.Unavailable(w, r, site.RetryStore, flow.Flow{Target: r.Original.Path, Scope: wechat.ScopeBase}, err)
		return
	}
	if r.Refused != nil {
		g.notAllowed(w, r, r.Original.Path)
		return
	}
	if verdict := Decide(g.facts(r).signInRequested()); verdict != Pass {
		g.answer(w, r, verdict, danceFor(r))
		return
	}
	if r.Identity == nil || r.Identity.Guest() {
		g.explainSnapshot(w, r, flow.Flow{Target: r.Original.Path, Scope: wechat.ScopeBase})
		return
	}
	r.ForgetForeign(w)
	visitor := t.visitor(r.Identity.Person.ID)
	if !request.WantsPage(r.Request) || r.Token.Sent {
		response.WriteJSON(w, http.StatusOK, map[string]any{"code": http.StatusOK, "visitor": visitor})
		return
	}
	known := t.Person != ""
	same := known && r.Identity.Person.Is(t.Person)
	g.showResend(w, r, page.Page{
		Other: known && !same,
		Data: formTask{
			Task: taskSend, ID: t.ID, Life: keepsForm.Milliseconds(),
			Auto: same && g.Rules.PreservePost == site.PreserveAuto, Other: known && !same, Visitor: visitor,
		},
	})
}

// nothingWaits answers a ticket that is not valid, or not any more.
func (g *Gate) nothingWaits(w http.ResponseWriter, r *site.Request, data any) {
	p := page.Page{Status: http.StatusGone}
	if data != nil {
		p.Data = data
	}
	g.showResend(w, r, p)
}

func (g *Gate) showResend(w http.ResponseWriter, r *site.Request, p page.Page) {
	p.Kind, p.ContinueURL = page.Resend, site.LoginPath("/", wechat.ScopeBase)
	g.Show(w, r, p, "resend", "A form that was posted without a session is sent again on this page.")
}
