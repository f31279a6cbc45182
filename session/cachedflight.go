package session

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// flight is one question to the store, for whose answer many callers may wait.
type flight struct {
	done    chan struct{}
	session *Session
	err     error

	withdrawn uint64 // keys taken off the ring before it began

	// spoiled: while the question was under way, its session, or one whose
	// person is not known yet, was ended or changed. The answer may be older
	// than that. Guarded by the cache.
	spoiled bool
}

// errLate means that the store did not answer in time.
var errLate = fmt.Errorf("%w: it did not answer in time", ErrUnavailable)

// result waits for the answer and returns a copy of it.
func (f *flight) result(ctx context.Context, late <-chan time.Time) (*Session, error) {
	select {
	case <-f.done:
	case <-late:
		return nil, errLate
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
	if f.err != nil {
		return nil, f.err
	}
	s := *f.session
	return &s, nil
}

// begin asks the store, or joins a flight that is under way. The question does
// not end with the request that came first: if that visitor leaves, the others
// still get their answer (attack: a closed tab fails, or ends, the sessions of
// others).
func (n *CachedStore) begin(k cacheKey) *flight {
	// Clones: a value cut out of a request's Cookie line would keep the whole
	// line alive.
	k.value, k.binding.Site = strings.Clone(k.value), strings.Clone(k.binding.Site)
	f, first := n.memory().cache.join(k, n.withdrawals())
	if first {
		go n.ask(k, f) // ends after loadTimeout
	}
	return f
}

// ask asks the store and remembers the answer with the time at which it began
// to ask: later ends are announced, or the answer ages.
func (n *CachedStore) ask(k cacheKey, f *flight) {
	begun := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), loadTimeout)
	defer cancel()
	s, err := n.Store.Load(ctx, k.value, k.binding)
	n.called(CallLoad, begun, err)
	n.outcome(err)
	f.session, f.err = s, err
	n.memory().cache.land(k, f, begun, n.maxEntries())
	close(f.done)
}
