package redislog

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"
)

const password = "p4ssw0rd-of-redis"

func newLogger(level slog.Level) (*Logger, *strings.Builder) {
	text := new(strings.Builder)
	return New(slog.New(slog.NewTextHandler(text, &slog.HandlerOptions{Level: level}))), text
}

// Which messages are warnings, and that none has a password.
func TestMessages(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		format string
		args   []any
		level  string
		want   string
	}{
		"a dial":         {"redis: connection pool: failed to dial after %d attempts: %v", []any{5, errors.New("connection refused")}, "WARN", "after 5 attempts: connection refused"},
		"Sentinel":       {"sentinel: GetMasterAddrByName name=%q failed: %s", []any{"m", "EOF"}, "WARN", `failed: EOF`},
		"a panic":        {"queuedNewConn panic: %+v", []any{"x\n\ngoroutine 1"}, "WARN", "panic: x  goroutine 1"},
		"an old server":  {"auto mode fallback: maintnotifications disabled due to handshake error: %v", []any{"ERR unknown"}, "DEBUG", "ERR unknown"},
		"something else": {"%s", []any{"anything"}, "DEBUG", "anything"},
		"an address":     {"redis: connection pool: failed to dial after %d attempts: %v", []any{1, "redis://gw:" + password + "@10.0.0.5:6379"}, "WARN", "redis://…@10.0.0.5:6379"},
		"an echo":        {"%s", []any{"ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'gw' '" + password + "'\n"}, "DEBUG", "with args beginning with: …"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, text := newLogger(slog.LevelDebug)
			l.Printf(t.Context(), row.format, row.args...)
			if !strings.Contains(text.String(), "level="+row.level) || !strings.Contains(strings.ReplaceAll(text.String(), `\"`, `"`), row.want) {
				t.Errorf("the log says %q, want %s and %q", text, row.level, row.want)
			}
			if strings.Contains(text.String(), password) {
				t.Errorf("the log has the password: %s", text)
			}
		})
	}
}

// Attack: a Redis that is down, or a flood while it is, fills the log. One kind
// of warning has a line a minute, which counts those left out; another kind is
// not held back by it.
func TestAttackAFailingRedisFillsTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, text := newLogger(slog.LevelInfo)
		for range 10000 {
			l.Printf(t.Context(), "redis: connection pool: failed to dial after %d attempts: %v", 5, "refused")
		}
		l.Printf(t.Context(), "sentinel: Replicas name=%q failed: %s", "m", "EOF")
		if n := strings.Count(text.String(), "\n"); n != 2 {
			t.Errorf("%d lines, want 2: %s", n, text)
		}
		time.Sleep(time.Minute)
		l.Printf(t.Context(), "redis: connection pool: failed to dial after %d attempts: %v", 5, "refused")
		if n := strings.Count(text.String(), "\n"); n != 3 || !strings.Contains(text.String(), "left_out=9999") {
			t.Errorf("%d lines, want 3 and left_out=9999: %s", n, text)
		}
	})
}

// What Redis answers cannot break a line or make it long.
func FuzzClean(f *testing.F) {
	f.Add("ERR unknown command 'x', with args beginning with: 'secret'")
	f.Add("redis://a:b@c\x00\xff\n" + strings.Repeat("x", 2*maxMessage))
	f.Fuzz(func(t *testing.T, message string) {
		got := clean(message)
		if len(got) > 3*maxMessage || !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || unicode.Is(unicode.Cc, r) && r == 0x7f }) {
			t.Errorf("%q", got)
		}
	})
}
