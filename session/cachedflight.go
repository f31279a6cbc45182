package session

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// flight is one question to the store that many may wait for.
type flight struct {
	done    chan struct{}
	session *Session
	err     error

	withdrawn uint64 // keys taken off the ring before it began

	// spoiled: while it was under way, something of this session, or of somebody
	// unknown yet, ended. What it brings may be from before. Guarded by the cache.
	spoiled bool
}

// errLate says that the store did not answer in time.
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

// begin asks the store, or joins those who are asking already. The question is
// not bound to the visitor who came first: if that one leaves, the others still
// get their answer (attack: a closed tab fails, or ends, the sessions of others).
func (n *CachedStore) begin(k cacheKey) *flight {
	// Copies: a value cut out of a request's Cookie line would keep all of it alive.
	k.value, k.binding.Site = strings.Clone(k.value), strings.Clone(k.binding.Site)
	f, first := n.memory().cache.join(k, n.withdrawals())
	if first {
		go n.ask(k, f) // ends by loadTimeout
	}
	return f
}

// ask asks the store and remembers the answer as of now: what ends from now on
// will be announced, or ages it.
func (n *CachedStore) ask(k cacheKey, f *flight) {
	begun := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), loadTimeout)
	defer cancel()
	s, err := n.Store.Load(ctx, k.value, k.binding)
	n.outcome(err)
	f.session, f.err = s, err
	n.memory().cache.land(k, f, begun, n.maxEntries())
	close(f.done)
}
