package caddymodule

import (
	"net"
	"net/http"
	"net/netip"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// clientIP is the visitor's address, as Caddy determines it with
// trusted_proxies.
func clientIP(r *http.Request) string {
	ip, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	return ip
}

// trusted reports whether the connection comes from one of Caddy's
// trusted_proxies.
func trusted(r *http.Request) bool {
	yes, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool)
	return yes
}

// fromProxy reports whether the connection comes from this machine, or from one
// of Caddy's trusted_proxies. Peers on a Unix socket have no address, so the
// connection's local end decides, and never a header (attack: a visitor who
// claims to be the proxy).
func fromProxy(r *http.Request) bool {
	if trusted(r) {
		return true
	}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && caddy.IsUnixNetwork(local.Network()) {
		return true
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && peer.Addr().Unmap().IsLoopback()
}
