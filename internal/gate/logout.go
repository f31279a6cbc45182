package gate

import (
	"net/http"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// logoutEndpoint ends the session itself, not only its cookie (attack:
// CVE-2024-21492).
func (g *Gate) logoutEndpoint(w http.ResponseWriter, r *site.Request) {
	if !g.RequireSameOriginPost(w, r) {
		return
	}
	if err := g.IdentifyToEnd(r); err != nil {
		g.Unavailable(w, r, site.RetryStore, flow.Flow{}, err)
		return
	}
	err := r.LogoutError // the error of an earlier logout
	switch {
	case r.Identity != nil:
		err = g.LogOut(w, r, audit.ReasonVisitor)
	case err == nil:
		err = g.RetrySignOut(r)
	}
	if err != nil {
		g.Unavailable(w, r, site.RetryStore, flow.Flow{}, err)
		return
	}
	g.ClearCookies(w, r)
	if !request.WantsPage(r.Request) {
		response.WriteJSON(w, http.StatusOK, map[string]any{"code": http.StatusOK})
		return
	}
	signedOut := page.Page{Kind: page.SignedOut, ContinueURL: site.LoginPath("/", wechat.ScopeBase)}
	if g.Rules.PreservePost.Keeps() {
		signedOut.Data = formTask{Task: taskDrop}
	}
	g.WritePage(w, r, signedOut)
}
