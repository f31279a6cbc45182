package gate

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/site"
)

// maxOriginLogged bounds how many bytes of an Origin the log shows.
const maxOriginLogged = 128

// refuseSocket answers a WebSocket handshake of another site's page. The log
// tells the operator, once a minute, how to admit a page of their own.
func (g *Gate) refuseSocket(w http.ResponseWriter, r *site.Request) {
	origin := strings.Join(r.Header["Origin"], ", ")
	advice := "if that page is yours, write `cors_origin` with its origin into wechat_auth"
	if _, ok := request.CanonicalOrigin(origin); !ok {
		advice = "no option admits such an origin"
	}
	if len(origin) > maxOriginLogged {
		origin = origin[:maxOriginLogged] + "…"
	}
	g.sockets.Warn(g.Logger, site.MistakeRate, "a page of another origin asked for a WebSocket with a visitor's session, and was refused; "+advice,
		slog.String("site", r.Origin), slog.String("origin", strings.ToValidUTF8(origin, "?")))
	response.WriteError(w, http.StatusForbidden, "cross_site", "Only a page of this site can open this WebSocket with the visitor's session.")
}
