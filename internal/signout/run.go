package signout

import (
	"context"
	"log/slog"
	"time"

	"github.com/caddy-wechat/gateway/internal/outage"
)

// unfinishedFarewell is how long Close may take for the last retries.
const unfinishedFarewell = 3 * time.Second

// run retries the kept ends in rounds, until none is left.
func (u *Unfinished) run(ctx context.Context) {
	ticker := time.NewTicker(unfinishedPause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		u.round(ctx)
		if u.idle() {
			return
		}
	}
}

// idle reports whether no end is left; then it also marks the goroutine as
// ended.
func (u *Unfinished) idle() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.kept) > 0 {
		return false
	}
	u.working = false
	u.cancel() // frees the context
	return true
}

// round retries each end once, in random order, so that one that always fails
// does not block the others.
func (u *Unfinished) round(ctx context.Context) {
	u.mu.Lock()
	due := make([]*unfinishedEnd, 0, len(u.kept))
	for _, e := range u.kept {
		due = append(due, e)
	}
	u.mu.Unlock()
	failures := 0
	for _, e := range due {
		once, cancel := context.WithTimeout(ctx, outage.StoreTimeout)
		err := u.try(once, e)
		cancel()
		if err != nil {
			failures++
		}
		if failures == unfinishedFailures || ctx.Err() != nil {
			return
		}
	}
}

// Close retries the kept ends a last time. It logs the number of those that
// fail: their visitors got 503, and a browser keeps the PendingLogout cookie.
// It returns when the goroutine has ended. Closing nil, or twice, is no error.
func (u *Unfinished) Close() error {
	if u == nil {
		return nil
	}
	u.mu.Lock()
	if u.closed = true; u.cancel != nil {
		u.cancel()
	}
	u.mu.Unlock()
	u.work.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), unfinishedFarewell)
	defer cancel()
	u.round(ctx)
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.kept) > 0 && u.Logger != nil {
		u.Logger.Error("sign-outs are not stored: the sessions stay valid on other gateways and after a restart", slog.Int("sign_outs", len(u.kept)))
	}
	clear(u.kept)
	u.n.Store(0)
	return nil
}
