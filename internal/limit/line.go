package limit

import (
	"context"
	"log/slog"
	"sync"
)

// Line limits how often one log line is written, and counts the lines that were
// left out since (attack: a flood of requests fills the log). The zero value is
// ready.
type Line struct {
	mu   sync.Mutex
	one  One
	left int
}

// Take reports whether the line may be logged, and how many were left out
// before it.
func (l *Line) Take(r Rate) (ok bool, left int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.one.Take(r) {
		l.left++
		return false, 0
	}
	left, l.left = l.left, 0
	return true, left
}

// Warn logs a warning, unless it was logged too recently. The next line that is
// logged has the number of those left out.
func (l *Line) Warn(logger *slog.Logger, r Rate, message string, attrs ...slog.Attr) {
	ok, left := l.Take(r)
	if !ok {
		return
	}
	if left > 0 {
		attrs = append(attrs, slog.Int("left_out", left))
	}
	logger.LogAttrs(context.Background(), slog.LevelWarn, message, attrs...)
}
