package response

import (
	"net/http"

	"github.com/caddy-wechat/gateway/internal/request"
)

// Redirect answers with a temporary redirect that no cache may store: WebViews
// cache permanent ones for ever, and some cache temporary ones.
func Redirect(w http.ResponseWriter, status int, location string) {
	h := w.Header()
	h.Set("Location", request.HeaderAddress(location))
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
}
