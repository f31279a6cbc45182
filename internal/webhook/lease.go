package webhook

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// term is the time during which this sender is the one that may send. Its context ends when it must stop at once.
type term struct {
	sender *Sender
	owner  string
	ctx    context.Context
	stop   context.CancelFunc
	kept   chan struct{} // closed when nobody extends the lease any more

	mu    sync.Mutex
	until time.Time // of the lease; by the monotonic clock, which nobody sets back
	timer *time.Timer
}

// take begins a term, or returns nil because another sender has the lease or the outbox cannot be asked.
func (s *Sender) take(ctx context.Context, owner string) *term {
	asked := time.Now()
	held, err := s.lease(ctx, owner)
	if err != nil && ctx.Err() == nil {
		s.warn("webhook: the outbox cannot be asked", slog.Any("error", err))
	}
	if err != nil || !held {
		return nil
	}
	t := &term{sender: s, owner: owner, kept: make(chan struct{}), until: asked.Add(leaseTTL)}
	// What ends ctx leaves attempts under way their grace: serve stops them then.
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

// keep extends the lease until the term ends. When the outbox does not answer, the term ends before the lease does:
// another sender may have it then.
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

// holds reports whether the lease is still ours. It looks at the clock itself, since a process that stood still
// (SIGSTOP, a paused virtual machine) may get to work before the timer that would stop it.
func (t *term) holds() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ctx.Err() == nil && time.Until(t.until) > leaseMargin
}

// end ends the term and gives the lease up, so that another sender need not wait until it runs out.
func (t *term) end() {
	t.stop()
	<-t.kept
	t.mu.Lock()
	t.timer.Stop()
	t.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), storeTime)
	defer cancel()
	// Not given up, it runs out by itself.
	_ = t.sender.Outbox.Release(ctx, t.sender.Target, t.owner)
}
