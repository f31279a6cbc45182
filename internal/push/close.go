package push

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/caddy-wechat/gateway/internal/limit"
)

// warnPause is how long a warning is not repeated for one account (attack: a
// client that has seen one signature fills the log).
const warnPause = time.Minute

// enter admits a request, unless the handler is closed.
func (h *Handler) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.active.Add(1)
	return true
}

// stopping reports whether Close has begun.
func (h *Handler) stopping() bool {
	select {
	case <-h.stop:
		return true
	default:
		return false
	}
}

// Waiting returns the number of steps that the ledger does not have yet. They
// are lost if the handler is closed first and the journal does not have them.
func (h *Handler) Waiting() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.waiting
}

// Close refuses new requests with 503, gives each waiting step one last try,
// and waits for requests and steps until ctx ends. It returns ErrLost if a step
// was given up. Close the handler before the ledger.
func (h *Handler) Close(ctx context.Context) error {
	h.init()
	h.mu.Lock()
	if !h.closed {
		h.closed = true
		close(h.stop)
	}
	h.mu.Unlock()
	over := make(chan struct{})
	go func() { h.active.Wait(); close(over) }()
	select {
	case <-over:
	case <-ctx.Done():
		// Cancel the tries in progress; no try follows.
		h.cancel()
		select {
		case <-over:
		case <-time.After(time.Second):
		}
	}
	h.cancel()
	h.relay.close()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.left > 0 {
		h.Logger.Info("pushes wait in the journal for the next start", slog.Int("number", h.left))
	}
	if lost := h.lost + h.waiting; lost > 0 {
		h.Logger.Error("pushes were lost", slog.Int("number", lost))
		return fmt.Errorf("%w: %d", ErrLost, lost)
	}
	return nil
}

// warn logs a warning, at most once a minute for each account and message.
func (h *Handler) warn(a *Account, message string, err error) {
	ok, left := h.mayWarn(a.Name + "\x00" + message)
	if !ok {
		return
	}
	attrs := []any{slog.String("account", a.Name)}
	if left > 0 {
		attrs = append(attrs, slog.Int("left_out", left))
	}
	if err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	h.Logger.Warn(message, attrs...)
}

// mayWarn reports whether a warning may be logged, and how many were left out
// before it.
func (h *Handler) mayWarn(what string) (ok bool, left int) {
	h.mu.Lock()
	line := h.said[what]
	if line == nil {
		line = new(limit.Line)
		h.said[what] = line
	}
	h.mu.Unlock()
	return line.Take(limit.Rate{Burst: 1, Every: warnPause})
}
