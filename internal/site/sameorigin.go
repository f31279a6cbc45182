package site

import (
	"net/http"

	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/response"
)

// RequireSameOriginPost admits POSTs from this site's own pages only (attack:
// CSRF; the session cookie is SameSite=Lax besides).
func (site *Site) RequireSameOriginPost(w http.ResponseWriter, r *Request) bool {
	if r.Method != http.MethodPost {
		response.MethodNotAllowed(w, http.MethodPost)
		return false
	}
	foreign := false
	if from := r.Header.Get("Sec-Fetch-Site"); from != "" {
		foreign = from != "same-origin" && from != "none"
	} else if origin := r.Header.Get("Origin"); origin != "" {
		canonical, ok := request.CanonicalOrigin(origin)
		foreign = !ok || canonical != r.Origin
	}
	if foreign {
		response.WriteError(w, http.StatusForbidden, "cross_site", "This must be sent from a page of this site.")
	}
	return !foreign
}
