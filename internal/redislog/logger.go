package redislog

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/internal/limit"
)

// Message is the text of all lines; go-redis' own is in the field "message".
const Message = "go-redis"

// maxMessage bounds a message, in bytes: go-redis adds stacks of goroutines to
// some.
const maxMessage = 512

// lineRate limits the warnings of one kind.
var lineRate = limit.Rate{Burst: 1, Every: time.Minute}

// warnings are the kinds of messages that an operator should see, by what the
// format has in it. The formats are constants of go-redis. What it says of
// optional features that a server lacks is not among them.
var warnings = []string{
	"connection pool: failed to dial",
	"connection pool: failed to get a usable connection",
	"sentinel: GetMasterAddrByName",
	"sentinel: Replicas",
	"sentinel: Sentinels",
	"sentinel: new master",
	"all nodes are failing",
	"all nodes are marked as failed",
	"re-authentication failed",
	"panic",
}

// Logger has the method that redis.SetLogger asks for. Make it with [New].
type Logger struct {
	logger *slog.Logger
	lines  []limit.Line // as warnings
}

// New returns a Logger that writes to logger.
func New(logger *slog.Logger) *Logger {
	return &Logger{logger: logger, lines: make([]limit.Line, len(warnings))}
}

// Printf writes one message of go-redis.
func (l *Logger) Printf(ctx context.Context, format string, args ...any) {
	level, attrs := slog.LevelDebug, []slog.Attr(nil)
	for i, part := range warnings {
		if !strings.Contains(format, part) {
			continue
		}
		if ok, left := l.lines[i].Take(lineRate); ok {
			if level = slog.LevelWarn; left > 0 {
				attrs = append(attrs, slog.Int("left_out", left))
			}
		}
		break
	}
	if !l.logger.Enabled(ctx, level) {
		return
	}
	attrs = append([]slog.Attr{slog.String("message", clean(fmt.Sprintf(format, args...)))}, attrs...)
	l.logger.LogAttrs(ctx, level, Message, attrs...)
}

var (
	// userinfo is the user and the password in an address.
	userinfo = regexp.MustCompile(`://[^/\s"]*@`)
	// echoed is the part of an error in which Redis repeats a command that it
	// does not know, and its arguments. A server that does not know HELLO
	// repeats the password.
	echoed = regexp.MustCompile(`(?s)(with args beginning with:).*`)
)

// clean returns a message without passwords, in one line, and not too long
// (attack: the log is read by others than those who know the password).
func clean(message string) string {
	message = userinfo.ReplaceAllString(message, "://…@")
	message = echoed.ReplaceAllString(message, "$1 …")
	if len(message) > maxMessage {
		message = message[:maxMessage] + "…"
	}
	message = strings.ToValidUTF8(message, "?")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, message)
}
