package push

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// warnPause is how long a warning is not repeated for one account: whoever has seen
// one signature could otherwise fill the log.
const warnPause = time.Minute

// enter lets a request in, unless the handler is closed.
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

// Waiting is how many steps the ledger does not have yet: they are lost when the
// handler is closed before it does.
func (h *Handler) Waiting() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.waiting
}

// Close refuses what comes from now on with 503, lets requests finish, gives each
// step that waits one last try, and waits for all that until ctx ends. ErrLost if
// anything was given up. Close it before the ledger.
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
		// What is being tried right now is told to end; nothing is tried
		// after it.
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

// warn logs a warning, once a minute for each account and message.
func (h *Handler) warn(a *Account, message string, err error) {
	if !h.mayWarn(a.Name + "\x00" + message) {
		return
	}
	attrs := []any{slog.String("account", a.Name)}
	if err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	h.Logger.Warn(message, attrs...)
}

func (h *Handler) mayWarn(what string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if last, said := h.said[what]; said && now.Sub(last) < warnPause {
		return false
	}
	h.said[what] = now
	return true
}
