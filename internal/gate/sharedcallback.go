package gate

import (
	"log/slog"
	"net/http"
	"regexp"
	"strings"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/response"
)

// SharedCallback is one callback address of several sites: WeChat allows an official
// account two callback domains (网页授权域名), a website one.
//
//	https://auth.example.com/_wechat/callback/at/https/shop.example.com/<flow>?code=…
//
// It hands the visitor on to the site whose dance it is, whose own callback checks
// everything, as if WeChat had come there.
type SharedCallback struct {
	// Origin is where WeChat sends the visitors of all sites back to.
	Origin string
	// Sites are the origins of the sites. No visitor is handed on to another
	// (attack: an address with a foreign host, made by hand or by a forged Host,
	// brings somebody's code there, where it can be spent as theirs).
	Sites map[string]bool
}

// sharedPath begins the callback of another site. Flow ids are upper case.
const sharedPath = flow.CallbackPath + "at/"

// flowForm is what flowSealer.path makes: an id and a sealed flow.
var flowForm = regexp.MustCompile(`^[A-Z0-9]{1,64}/[A-Za-z0-9_-]+$`)

// callbackAddress is where WeChat is to send the visitor of a dance back to.
func (g *Gate) callbackAddress(r *Request, path string) string {
	shared := g.Hub.SharedCallback
	if shared == nil || r.origin == shared.Origin {
		return r.origin + path
	}
	if !shared.Sites[r.origin] {
		g.strange.Do(func() { // once: the Host is the visitor's
			g.Logger.Warn("a visitor of a site that callback_origin does not know: write `origin` into its wechat_auth block", slog.String("site", r.origin))
		})
		return r.origin + path
	}
	return shared.Origin + sharedPath + strings.Replace(r.origin, "://", "/", 1) + "/" + strings.TrimPrefix(path, flow.CallbackPath)
}

// handOn sends a visitor on to the site whose dance it is. Nothing is spent here.
func (g *Gate) handOn(w http.ResponseWriter, r *Request, rest string) {
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
	if shared == nil || !shared.Sites[origin] || !flowForm.MatchString(path) || !response.HeaderFits(w.Header(), address) {
		// Also who was under way while the configuration changed.
		g.show(w, r, page.Page{Kind: page.TryAgain}, "not_found", "There is no such callback.")
		return
	}
	id, _, _ := strings.Cut(path, "/")
	g.Logger.Debug("callback handed on", slog.String("site", siteName(origin)), slog.String("flow", audit.ShortID(id)))
	response.Redirect(w, http.StatusSeeOther, address)
}
