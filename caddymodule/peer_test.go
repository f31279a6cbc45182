package caddymodule

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Who may be told of a visitor: this machine, and whom Caddy trusts. What a
// request says of itself counts for nothing.
func TestFromProxy(t *testing.T) {
	t.Parallel()
	tcp := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} // where we listen says nothing
	for name, c := range map[string]struct {
		remote  string
		local   net.Addr
		trusted bool
		want    bool
	}{
		"this machine":              {"127.0.0.1:1", tcp, false, true},
		"this machine, IPv6":        {"[::1]:1", tcp, false, true},
		"this machine, mapped":      {"[::ffff:127.0.0.1]:1", tcp, false, true},
		"the network":               {"10.0.0.5:1", tcp, false, false},
		"a trusted proxy":           {"10.0.0.5:1", tcp, true, true},
		"the internet":              {"203.0.113.7:1", tcp, false, false},
		"no address":                {"", tcp, false, false},
		"no address, but a name":    {"@", tcp, false, false},
		"nothing is known":          {"@", nil, false, false},
		"a Unix socket":             {"@", &net.UnixAddr{Net: "unix", Name: "/run/wechat.sock"}, false, true},
		"a Unix socket, no address": {"", &net.UnixAddr{Net: "unix", Name: "@wechat"}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := context.WithValue(t.Context(), caddyhttp.VarsCtxKey, map[string]any{caddyhttp.TrustedProxyVarKey: c.trusted})
			if c.local != nil {
				ctx = context.WithValue(ctx, http.LocalAddrContextKey, c.local)
			}
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/_wechat/check", nil)
			r.RemoteAddr = c.remote
			r.Header.Set("X-Forwarded-For", "127.0.0.1")
			if got := fromProxy(r); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
