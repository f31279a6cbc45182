package redisledger

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// server is one Redis: how a call to it begins, how long it may take, and how it answered lately.
type server struct {
	Options
	health health
	limits ledger.Limits // of queues; zero but in tests
	told   toldOnce      // what the log says of it

	mu     sync.RWMutex   // closed, and additions to work
	work   sync.WaitGroup // calls that have begun, and what Start began
	closed bool
}

// shut lets no call begin any more.
func (s *server) shut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// begin says why a call must not begin. Otherwise the caller must call work.Done when it is over.
func (s *server) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("ledger: not begun: %w", err)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ledger.ErrClosed
	}
	s.work.Add(1)
	return nil
}

// beginTarget is begin for what is about a target.
func (s *server) beginTarget(ctx context.Context, target string) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	err := ledger.CheckTarget(target)
	if err != nil {
		s.work.Done()
	}
	return err
}

// once bounds one call to Redis. A caller who leaves does not end it: what has begun is finished.
func (s *server) once(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), s.timeout())
}

// failed wraps what Redis, or the way to it, failed with. Whatever it is, it says nothing about any person.
func (s *server) failed(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %s: %w", ledger.ErrUnavailable, doing, err)
}

// health is how Redis answered lately.
type health struct {
	failedAt atomic.Int64 // ns since 1970; 0 if it works
	failed   atomic.Int64 // the last failure, in ns since 1970
	told     atomic.Bool  // the log says that it fails
}

// failing says whether Redis failed within this time.
func (h *health) failing(within time.Duration) bool {
	at := h.failedAt.Load()
	return at != 0 && time.Now().UnixNano()-at < int64(within)
}

func (h *health) patience() time.Duration {
	if h.failing(failMark) {
		return patience
	}
	return slow
}

// Failing says whether Redis did not answer the last time it was asked. What Find returns meanwhile may be from memory.
func (s *server) Failing() bool { return s.health.failedAt.Load() != 0 }

// answer notes how Redis answered, and logs what is new. It works again, for the log, when nothing has failed for
// failMark: one that answers every other call has no line for each.
func (s *server) answer(err error) {
	h, now := &s.health, time.Now().UnixNano()
	if err != nil {
		h.failedAt.Store(now)
		h.failed.Store(now)
		if h.told.CompareAndSwap(false, true) && s.Logger != nil {
			s.Logger.Warn("the ledger's Redis is unavailable", "error", err)
		}
		return
	}
	if h.failedAt.Load() != 0 {
		h.failedAt.Store(0)
	}
	if h.told.Load() && now-h.failed.Load() >= int64(failMark) && h.told.CompareAndSwap(true, false) && s.Logger != nil {
		s.Logger.Info("the ledger's Redis is available again")
	}
}
