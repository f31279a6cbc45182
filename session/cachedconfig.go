package session

import (
	"log/slog"
	"time"
)

// What the zero values of CachedStore mean.
const (
	// DefaultCacheEntries is about 40 MB of sessions.
	DefaultCacheEntries = 65536

	// DefaultStale is the longest time for which an ended session may still be
	// accepted.
	DefaultStale = time.Second

	// DefaultFresh is how long a session is used without asking the store,
	// while the channel is known to work.
	DefaultFresh = 5 * time.Second

	// DefaultStaleIfDown is how long known sessions are accepted without the
	// store.
	DefaultStaleIfDown = 5 * time.Minute
)

const (
	// loadTimeout bounds a call to the store, for which many requests may wait.
	loadTimeout = 3 * time.Second

	// patience is how long a visitor whose session is known waits for a store
	// that just failed.
	patience = 50 * time.Millisecond

	// retryLoad is how often a session is asked for while the store is failing.
	retryLoad = 500 * time.Millisecond

	// failingFor is how long after a failure the store counts as failing.
	failingFor = 5 * time.Second
)

func (n *CachedStore) warn(message string, err error) {
	if n.Logger != nil {
		n.Logger.Warn(message, slog.Any("error", err))
	}
}

func (n *CachedStore) info(message string) {
	if n.Logger != nil {
		n.Logger.Info(message)
	}
}

func (n *CachedStore) maxEntries() int {
	if n.MaxEntries <= 0 {
		return DefaultCacheEntries
	}
	return n.MaxEntries
}

func (n *CachedStore) stale() time.Duration    { return orDefault(n.Stale, DefaultStale) }
func (n *CachedStore) freshFor() time.Duration { return orDefault(n.Fresh, DefaultFresh) }
func (n *CachedStore) staleIfDown() time.Duration {
	return orDefault(n.StaleIfDown, DefaultStaleIfDown)
}

func orDefault(d, byDefault time.Duration) time.Duration {
	if d == 0 {
		return byDefault
	}
	return d
}
