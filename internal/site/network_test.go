package site

import (
	"testing"

	"github.com/caddy-wechat/gateway/internal/request"
)

func TestNetworks(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"203.0.113.77": "203.0.113.0/24", "203.0.113.77:80": "203.0.113.0/24", "::ffff:203.0.113.9": "203.0.113.0/24",
		"2001:db8:1:2fe::3": "2001:db8:1:200::/56", "[2001:db8:1:2ff::3]:80": "2001:db8:1:200::/56",
		"": "invalid Prefix", "@": "invalid Prefix", "unix": "invalid Prefix", "nonsense": "invalid Prefix",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			r := &Request{Request: newRequest(t, "GET", "/"), ClientIP: text}
			if got := r.Network().String(); got != want {
				t.Errorf("%q is of %s, want %s", text, got, want)
			}
		})
	}
}

func TestNetworkNames(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"203.0.113.77": "203.0.113.x", "203.0.113.77:8080": "203.0.113.x", "[2001:db8:1:2::3]:80": "2001:db8:1::x", "10.20.30.0": "10.20.30.x",
		"::ffff:203.0.113.9": "203.0.113.x", "fe80::1%eth0": "fe80::x", "": "", "nonsense": "", "@": "", "unix": "",
	} {
		r := &Request{Request: newRequest(t, "GET", "/"), ClientIP: text}
		if got := request.NetworkName(request.MaskAddr(r.ClientAddr())); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	r := &Request{Request: newRequest(t, "GET", "/")}
	r.RemoteAddr = "198.51.100.7:443"
	if got := request.NetworkName(request.MaskAddr(r.ClientAddr())); got != "198.51.100.x" {
		t.Errorf("of the connection: %q", got)
	}
}
