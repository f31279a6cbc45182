package webhook

import (
	"context"
	"log/slog"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// round is the state of the goroutine that starts the deliveries of a term.
type round struct {
	post
	term   *term
	busy   map[string]struct{} // ids of events in progress
	done   chan result
	streak int       // failures since the last success
	resume time.Time // no delivery begins before
}

// result is how one attempt ended.
type result struct {
	delivery ledger.Delivery
	outcome  outcome
	stage    stage
}

// serve delivers until ctx or the term ends, and returns when no delivery is in
// progress any more.
func (p post) serve(ctx context.Context, t *term) {
	r := &round{post: p, term: t, busy: make(map[string]struct{}, parallel), done: make(chan result, parallel)}
	for ctx.Err() == nil && t.holds() {
		timer := time.NewTimer(r.begin(ctx))
		select {
		case result := <-r.done:
			r.finish(result)
		case <-p.sender.bell():
		case <-timer.C:
		case <-ctx.Done():
		case <-t.ctx.Done():
		}
		timer.Stop()
	}
	stop := time.AfterFunc(grace, t.stop)
	defer stop.Stop()
	for len(r.busy) > 0 {
		r.finish(<-r.done)
	}
}

// begin starts the deliveries that are due and returns how long to wait before
// it is called again.
func (r *round) begin(ctx context.Context) time.Duration {
	limit := parallel
	if r.streak >= calmAfter {
		limit = 1 // do not flood a receiver that is down or has just come back
		if wait := time.Until(r.resume); wait > 0 {
			return wait
		}
	}
	if len(r.busy) >= limit {
		return poll
	}
	now := time.Now()
	asked, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	// For the outbox, deliveries in progress are still due: some of the eight
	// that it returns may not be new.
	due, next, err := r.sender.Outbox.Due(asked, r.sender.Target, now, parallel)
	if err != nil {
		if ctx.Err() == nil {
			r.sender.warn("webhook: the outbox cannot be read", slog.Any("error", err))
		}
		return poll
	}
	for _, d := range due {
		if _, ok := r.busy[d.ID]; ok {
			continue
		}
		if len(r.busy) >= limit {
			break
		}
		r.busy[d.ID] = struct{}{}
		go func() { r.done <- r.deliver(r.term, d) }()
	}
	if wait := next.Sub(now); !next.IsZero() && wait < poll {
		return max(wait, soonest)
	}
	return poll
}

// finish counts and logs one attempt.
func (r *round) finish(result result) {
	delete(r.busy, result.delivery.ID)
	attributes := []any{
		slog.String("event", result.delivery.ID), slog.String("type", string(result.delivery.Kind)),
		slog.Int("attempt", result.delivery.Attempts+1), slog.String("reason", result.outcome.reason),
	}
	switch result.stage {
	case aborted:
		return
	case accepted:
		if r.streak > 0 {
			r.sender.log(slog.LevelInfo, "webhook: the receiver accepts events again")
		}
		r.streak = 0
		return
	case buried:
		r.sender.warnOfBurial("webhook: an event was given up and is now a dead letter", attributes...)
		if r.sender.GivenUp != nil {
			r.sender.GivenUp(result.delivery.Kind)
		}
	case again:
		r.sender.warn("webhook: an event was not accepted; it will be sent again", attributes...)
	}
	r.streak++
	r.resume = time.Now().Add(calm)
}
