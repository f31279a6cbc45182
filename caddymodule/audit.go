package caddymodule

import (
	"context"
	"log/slog"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap/exp/zapslog"
)

// auditName is the logger of the audit log. A Caddy log that includes only this
// name gets one line for each sign-in, decline, step-up, logout, revocation,
// erasure and call of the admin endpoint.
const auditName = "http.handlers.wechat_auth.audit"

// auditLogger returns the audit log of a configuration. Its lines are counted.
func auditLogger(ctx caddy.Context) *slog.Logger {
	core := ctx.Logger(new(Handler)).Core() // the logs that include the handler include the names below it
	return slog.New(counted{zapslog.NewHandler(core, zapslog.WithName(auditName), zapslog.AddStacktraceAt(slog.Level(127)))})
}

// counted counts the lines of the audit log by action and account.
type counted struct{ slog.Handler }

// Handle implements slog.Handler.
func (h counted) Handle(ctx context.Context, r slog.Record) error {
	var action, account string
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "action":
			action = a.Value.String()
		case "account":
			account = a.Value.String()
		}
		return true
	})
	if action != "" {
		auditCounts.WithLabelValues(action, account).Inc()
	}
	return h.Handler.Handle(ctx, r)
}

// Enabled implements slog.Handler. It returns true because lines that are not
// written are counted, too.
func (counted) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs implements slog.Handler.
func (h counted) WithAttrs(attrs []slog.Attr) slog.Handler {
	return counted{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h counted) WithGroup(name string) slog.Handler { return counted{h.Handler.WithGroup(name)} }

var _ slog.Handler = counted{}
