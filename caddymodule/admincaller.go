package caddymodule

import (
	"net"
	"net/http"
	"strings"

	"github.com/caddy-wechat/gateway/internal/audit"
)

// caller is where an admin call comes from, for the audit log.
type caller struct {
	operator string // the claimed name, marked as claimed; "" if there is none
	from     string // the address without its port, or "unix socket"
}

// callerOf returns where a call comes from. Caddy does not give the connection
// to its handlers, so the peer credentials of a Unix socket cannot be read.
func callerOf(r *http.Request) caller {
	c := caller{operator: audit.ClaimedOperator(r.Header.Get(audit.OperatorHeader)), from: "unknown"}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && strings.HasPrefix(local.Network(), "unix") {
		c.from = "unix socket"
	} else if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		c.from = host
	}
	return c
}
