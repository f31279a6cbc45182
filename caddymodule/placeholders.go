package caddymodule

import (
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wechat/gateway/internal/site"
)

// setPlaceholders gives the visitor's identity to other handlers, matchers and
// the access log.
func setPlaceholders(r *http.Request, id *site.Identity) {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return
	}
	repl.Map(func(key string) (any, bool) {
		field, ok := strings.CutPrefix(key, "http.auth.user.")
		if !ok {
			return nil, false
		}
		if field == "id" {
			field = string(site.FieldOpenID)
		}
		value := id.Get(site.Field(field))
		return value, value != ""
	})
}
