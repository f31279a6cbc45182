package signout

import (
	"context"
	"log/slog"
	"time"

	"github.com/caddy-wechat/gateway/internal/outage"
)

// unfinishedFarewell is how long Close may take for the last tries.
const unfinishedFarewell = 3 * time.Second

// run tries again, round after round, until nothing is kept.
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

// idle reports whether nothing is kept, and that the goroutine ends then.
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

// round tries each end once, in no order, so that one that always fails stands in
// no other's way.
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

// Close gives what is kept a last try. What fails then is in the log: its visitors
// were told 503, and a browser keeps a receipt. It returns when the goroutine has
// ended. Closing nil, or twice, is no error.
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
		u.Logger.Error("sign-outs are not stored: the sessions live on elsewhere", slog.Int("sign_outs", len(u.kept)))
	}
	clear(u.kept)
	u.n.Store(0)
	return nil
}
