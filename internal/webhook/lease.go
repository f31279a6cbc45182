package webhook

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// term is the time during which this sender holds the lease and may send. Its
// context ends when the sender must stop at once.
type term struct {
	sender *Sender
	owner  string
	ctx    context.Context
	stop   context.CancelFunc
	kept   chan struct{} // closed when the lease is no longer extended

	mu    sync.Mutex
	until time.Time // end of the lease, by the monotonic clock, which cannot be set back
	timer *time.Timer
}

// take begins a term. It returns nil if another sender has the lease or the
// outbox is unavailable.
func (s *Sender) take(ctx context.Context, owner string) *term {
	asked := time.Now()
	held, err := s.lease(ctx, owner)
	if err != nil && ctx.Err() == nil {
		s.warn("webhook: the outbox is unavailable", slog.Any("error", err))
	}
	if err != nil || !held {
		return nil
	}
	t := &term{sender: s, owner: owner, kept: make(chan struct{}), until: asked.Add(leaseTTL)}
	// When ctx ends, attempts in progress still have their grace period: serve
	// stops them afterwards.
	t.ctx, t.stop = context.WithCancel(context.WithoutCancel(ctx))
	t.timer = time.AfterFunc(time.Until(t.until)-leaseMargin, t.stop)
	go t.keep()
	return t
}

func (s *Sender) lease(ctx context.Context, owner string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	return s.Outbox.Lease(ctx, s.Target, owner, leaseTTL)
}

// keep extends the lease until the term ends. If the outbox does not answer,
// the term ends before the lease, because another sender may then take it.
func (t *term) keep() {
	defer close(t.kept)
	for wait := leaseTTL / 3; ; {
		pause(t.ctx, wait)
		if t.ctx.Err() != nil {
			return
		}
		asked := time.Now()
		held, err := t.sender.lease(t.ctx, t.owner)
		switch {
		case err != nil:
			wait = time.Second
		case !held:
			t.stop()
			return
		default:
			t.extend(asked.Add(leaseTTL))
			wait = leaseTTL / 3
		}
	}
}

func (t *term) extend(until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.until = until
	t.timer.Reset(time.Until(until) - leaseMargin)
}

// holds reports whether this sender still has the lease. It reads the clock
// itself, because after a pause of the process (SIGSTOP, a paused virtual
// machine) this code may run before the timer that stops the term.
func (t *term) holds() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ctx.Err() == nil && time.Until(t.until) > leaseMargin
}

// end ends the term and releases the lease, so that another sender does not
// have to wait until it runs out.
func (t *term) end() {
	t.stop()
	<-t.kept
	t.mu.Lock()
	t.timer.Stop()
	t.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), storeTime)
	defer cancel()
	// If the release fails, the lease runs out by itself.
	_ = t.sender.Outbox.Release(ctx, t.sender.Target, t.owner)
}
