package gate

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/site"
)

// sharedPath is the prefix of another site's callback. It cannot be a flow id:
// those are upper case.
const sharedPath = flow.CallbackPath + "at/"

// callbackAddress returns the address to which WeChat sends the visitor of a
// dance back.
func (g *Gate) callbackAddress(r *site.Request, path string) string {
	shared := g.Hub.SharedCallback
	if shared == nil || r.Origin == shared.Origin {
		return r.Origin + path
	}
	if !shared.Sites[r.Origin] {
		g.strange.Do(func() { // once, because the visitor controls the Host
			g.Logger.Warn("callback_origin does not know the site of this visitor: write `origin` into its wechat_auth block", slog.String("site", r.Origin))
		})
		return r.Origin + path
	}
	return shared.Origin + sharedPath + strings.Replace(r.Origin, "://", "/", 1) + "/" + strings.TrimPrefix(path, flow.CallbackPath)
}

// handOn redirects a visitor to the site that began the dance. It spends no
// code.
func (g *Gate) handOn(w http.ResponseWriter, r *site.Request, rest string) {
	if r.Method != http.MethodGet {
		response.MethodNotAllowed(w, http.MethodGet)
		return
	}
	scheme, rest, _ := strings.Cut(rest, "/")
	host, path, _ := strings.Cut(rest, "/")
	origin, shared := scheme+"://"+host, g.Hub.SharedCallback
	address := origin + flow.CallbackPath + path
	if r.Original.RawQuery != "" {
		address += "?" + r.Original.RawQuery
	}
	if shared == nil || !shared.Sites[origin] || !flow.HasForm(path) || !response.HeaderFits(w.Header(), address) {
		// This also happens when the configuration changes during a sign-in.
		g.Show(w, r, page.Page{Kind: page.TryAgain}, "not_found", "There is no such callback.")
		return
	}
	id, _, _ := strings.Cut(path, "/")
	g.Logger.Debug("callback redirected to its site", slog.String("site", site.HostName(origin)), slog.String("flow", audit.ShortID(id)))
	response.Redirect(w, http.StatusSeeOther, address)
}
