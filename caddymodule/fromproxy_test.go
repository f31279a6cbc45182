package caddymodule

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Who may be told of a visitor: this machine, and whom Caddy trusts. What a request
// says of itself counts for nothing.
func TestFromProxy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		remote  string
		trusted bool
		want    bool
	}{
		{"127.0.0.1:1", false, true},
		{"[::1]:1", false, true},
		{"[::ffff:127.0.0.1]:1", false, true},
		{"10.0.0.5:1", false, false},
		{"10.0.0.5:1", true, true},
		{"203.0.113.7:1", false, false},
		{"", false, false},
		{"@", false, false},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/_wechat/check", nil)
		r.RemoteAddr = c.remote
		r.Header.Set("X-Forwarded-For", "127.0.0.1")
		r = r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, map[string]any{caddyhttp.TrustedProxyVarKey: c.trusted}))
		if got := fromProxy(r); got != c.want {
			t.Errorf("%q, trusted %v: %v", c.remote, c.trusted, got)
		}
	}
}
