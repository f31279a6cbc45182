package redisledger

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// server is one Redis: it begins and limits calls to it, and records how it
// answered lately.
type server struct {
	Options
	health health
	limits ledger.Limits // of queues; set in tests only
	told   toldOnce      // log lines about it that were written

	mu     sync.RWMutex   // closed, and additions to work
	work   sync.WaitGroup // running calls, and what Start began
	closed bool
}

// shut refuses new calls.
func (s *server) shut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// begin returns an error if a call must not begin. Otherwise the caller must
// call work.Done when the call is over.
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

// beginTarget is begin for a call about a target.
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

// once limits the time of one call to Redis. The call is finished even if the
// caller no longer waits.
func (s *server) once(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), s.timeout())
}

// failed wraps an error of Redis, or of the connection to it. No such error
// says anything about a person.
func (s *server) failed(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %s: %w", ledger.ErrUnavailable, doing, err)
}

// health records how Redis answered lately.
type health struct {
	failedAt atomic.Int64 // ns since 1970; 0 if it works
	failed   atomic.Int64 // the last failure, in ns since 1970
	told     atomic.Bool  // the failure was logged
}

// failing reports whether Redis failed within this time.
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

// Failing reports whether Redis failed to answer the last call. Answers of Find
// may then come from memory.
func (s *server) Failing() bool { return s.health.failedAt.Load() != 0 }

// answer records how Redis answered, and logs changes. The log calls Redis
// available again only when no call has failed for failMark, so that a Redis
// that answers every other call does not fill the log.
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
