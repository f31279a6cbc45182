package webhook

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// round is the state of the goroutine that starts the deliveries of a term.
type round struct {
	post
	term   *term
	busy   map[string]ledger.Event // events in progress, by id
	done   chan result
	streak int       // failures since the last success
	resume time.Time // no delivery begins before
	expire time.Time // when old dead letters are removed next
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
	r := &round{post: p, term: t, busy: make(map[string]ledger.Event, parallel), done: make(chan result, parallel)}
	for ctx.Err() == nil && t.holds() {
		r.expireDead(ctx)
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
		if _, ok := r.busy[d.ID]; ok || r.overtakes(&d.Event) {
			continue
		}
		if len(r.busy) >= limit {
			break
		}
		r.busy[d.ID] = d.Event
		go func() { r.done <- r.deliver(r.term, d) }()
	}
	if wait := next.Sub(now); !next.IsZero() && wait < poll {
		return max(wait, soonest)
	}
	return poll
}

// overtakes reports whether an event in progress is about the same person. The
// outbox returns one event of a person at a time; but an erasure removes the
// older events, also one in progress, and is due at once. The receiver must not
// get the older event after it: it would store the erased person again.
func (r *round) overtakes(e *ledger.Event) bool {
	names := append([]string{e.Person, e.From}, e.Aliases...)
	for _, one := range r.busy {
		for _, name := range []string{one.Person, one.From} {
			if name != "" && slices.Contains(names, name) {
				return true
			}
		}
	}
	return false
}

// expireDead removes old dead letters once in an hour. A failure is not told:
// the next call of the outbox fails, too, and the letters are not shown.
func (r *round) expireDead(ctx context.Context) {
	if time.Now().Before(r.expire) {
		return
	}
	r.expire = time.Now().Add(expireEvery)
	asked, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	_ = r.sender.Outbox.Expire(asked, r.sender.Target)
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
