package request

import (
	"net/http"
	"strings"
)

// IsWebSocket reports whether r is the handshake of a WebSocket: an Upgrade of
// HTTP/1.1, or the CONNECT of HTTP/2 and HTTP/3 (RFC 8441, RFC 9220), which
// Caddy turns into an Upgrade. A proxy that asks GET check about a handshake
// drops Upgrade, a hop-by-hop header, but keeps Sec-WebSocket-Version, which
// every handshake has and no script can set.
func IsWebSocket(r *http.Request) bool {
	if r.Method == http.MethodConnect || len(r.Header["Sec-Websocket-Version"]) > 0 {
		return true
	}
	for _, line := range r.Header["Upgrade"] {
		if strings.Contains(strings.ToLower(line), "websocket") {
			return true
		}
	}
	return false
}
