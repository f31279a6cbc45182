package caddymodule

import (
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wechat/gateway/internal/gate"
)

// setPlaceholders tells other handlers, matchers and the access log who it is.
func setPlaceholders(r *http.Request, id *gate.Identity) {
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
			field = string(gate.FieldOpenID)
		}
		value := id.Get(gate.Field(field))
		return value, value != ""
	})
}
