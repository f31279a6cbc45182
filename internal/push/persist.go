package push

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	// maxRetrying is how many steps may try again at the same time after the
	// ledger is back.
	maxRetrying = 32
	// tryPatience is how long one try may take.
	tryPatience = 30 * time.Second
	// firstPause is the first pause between tries that do not concern the
	// ledger. It doubles each time.
	firstPause = 500 * time.Millisecond
)

// persist calls f until it returns true, which is within two seconds after the
// ledger is back. When the handler closes, f gets one more try. persist reports
// whether f returned true.
func (h *Handler) persist(f func(ctx context.Context) bool) bool {
	release := func() {}
	for again := false; ; again = true {
		last := h.stopping()
		done := h.try(again, f)
		release()
		if done {
			h.down.succeeded()
		}
		if done || last {
			return done
		}
		release = h.down.wait(h.stop)
	}
}

// insist calls f until it returns true, at most tries times, with growing
// pauses. When the handler closes, f gets one more try. insist reports whether
// f returned true.
func (h *Handler) insist(tries int, f func(ctx context.Context) bool) bool {
	for try, pause := 1, firstPause; ; try, pause = try+1, 2*pause {
		last := h.stopping()
		if h.try(try > 1, f) {
			return true
		}
		if last || try == tries {
			return false
		}
		timer := time.NewTimer(pause/2 + rand.N(pause)) //nolint:gosec // jitter, so that not all try at the same time
		select {
		case <-timer.C:
		case <-h.stop:
		}
		timer.Stop()
	}
}

func (h *Handler) try(again bool, f func(ctx context.Context) bool) bool {
	if again {
		select {
		case h.retries <- struct{}{}:
			defer func() { <-h.retries }()
		case <-h.base.Done():
			return false
		}
	}
	ctx, cancel := context.WithTimeout(h.base, tryPatience)
	defer cancel()
	return f(ctx)
}
