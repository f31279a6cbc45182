package caddymodule

import (
	"context"
	"log/slog"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// liveLogger returns a logger for parts that outlive a reload. It writes to
// Caddy's default log at the time of each line, because the log of the
// configuration that made it may be closed.
func liveLogger(name string) *slog.Logger { return slog.New(liveHandler{name: name}) }

type liveHandler struct {
	name  string
	attrs []slog.Attr
}

// zapLevel returns zap's level for slog's.
func zapLevel(level slog.Level) zapcore.Level {
	switch {
	case level >= slog.LevelError:
		return zapcore.ErrorLevel
	case level >= slog.LevelWarn:
		return zapcore.WarnLevel
	case level >= slog.LevelInfo:
		return zapcore.InfoLevel
	default:
		return zapcore.DebugLevel
	}
}

// Enabled implements slog.Handler.
func (h liveHandler) Enabled(_ context.Context, level slog.Level) bool {
	return caddy.Log().Core().Enabled(zapLevel(level))
}

// Handle implements slog.Handler.
func (h liveHandler) Handle(_ context.Context, r slog.Record) error {
	var fields []zap.Field
	add := func(a slog.Attr) bool {
		fields = append(fields, zap.Any(a.Key, a.Value.Resolve().Any()))
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	r.Attrs(add)
	if c := caddy.Log().Named(h.name).Check(zapLevel(r.Level), r.Message); c != nil {
		c.Write(fields...)
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (h liveHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return liveHandler{name: h.name, attrs: append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)}
}

// WithGroup implements slog.Handler. Groups are not used here, so it ignores
// the name.
func (h liveHandler) WithGroup(string) slog.Handler { return h }

var _ slog.Handler = liveHandler{}
