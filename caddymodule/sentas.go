package caddymodule

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// readAs returns u with its path as some server reads it.
func readAs(u *url.URL, path string) *url.URL {
	if path == u.Path {
		return u // with its own escapes
	}
	other := *u
	other.Path, other.RawPath = path, ""
	return &other
}

// sent returns r as matchers should see it: with the address as the visitor
// sent it, or as a server reads it. Rewrites run before the gate and may have
// changed the path.
func (k setKind) sent(r *http.Request, address *url.URL) *http.Request {
	sent := new(http.Request)
	*sent = *r
	sent.URL = address
	if !k.expands || *address == *r.URL {
		return sent
	}
	sent.RequestURI = address.RequestURI()
	ctx := r.Context()
	if original, ok := ctx.Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		original.URL, original.RequestURI = sent.URL, sent.RequestURI
		ctx = context.WithValue(ctx, caddyhttp.OriginalRequestCtxKey, original)
	}
	outer, ok := ctx.Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return sent.WithContext(ctx)
	}
	// Placeholders of the address come from the copy that the matchers see. All
	// others come from the original request, because its body can be read only
	// once.
	vars, _ := ctx.Value(caddyhttp.VarsCtxKey).(map[string]any)
	probe := sent.WithContext(context.WithValue(ctx, caddyhttp.VarsCtxKey, maps.Clone(vars)))
	inner, replacer := caddyhttp.NewTestReplacer(probe), caddy.NewEmptyReplacer()
	replacer.Map(func(key string) (any, bool) {
		if strings.HasPrefix(key, "http.request.uri") || strings.HasPrefix(key, "http.request.orig_uri") {
			return inner.Get(key)
		}
		return outer.Get(key)
	})
	return sent.WithContext(context.WithValue(ctx, caddy.ReplacerCtxKey, replacer))
}
