package session

import (
	"log/slog"
	"time"
)

// What the zero values of Near mean.
const (
	// DefaultNearEntries is about 40 MB of sessions.
	DefaultNearEntries = 65536

	// DefaultStale is the longest time by which a session outlives its end.
	DefaultStale = time.Second

	// DefaultFresh is how long a session is used without asking the store, while
	// the channel is known to work.
	DefaultFresh = 5 * time.Second

	// DefaultStaleIfDown is how long known sessions go on without the store.
	DefaultStaleIfDown = 5 * time.Minute
)

const (
	// loadTimeout bounds a call of the store that many may wait for.
	loadTimeout = 3 * time.Second

	// patience is how long a visitor whose session is known waits for a store
	// that just failed.
	patience = 50 * time.Millisecond

	// retryLoad is how often a session is asked for while the store is failing.
	retryLoad = 500 * time.Millisecond

	// failingFor is how long after a failure the store counts as failing.
	failingFor = 5 * time.Second
)

func (n *Near) warn(message string, err error) {
	if n.Logger != nil {
		n.Logger.Warn(message, slog.Any("error", err))
	}
}

func (n *Near) info(message string) {
	if n.Logger != nil {
		n.Logger.Info(message)
	}
}

func (n *Near) maxEntries() int {
	if n.MaxEntries <= 0 {
		return DefaultNearEntries
	}
	return n.MaxEntries
}

func (n *Near) stale() time.Duration       { return orDefault(n.Stale, DefaultStale) }
func (n *Near) freshFor() time.Duration    { return orDefault(n.Fresh, DefaultFresh) }
func (n *Near) staleIfDown() time.Duration { return orDefault(n.StaleIfDown, DefaultStaleIfDown) }

func orDefault(d, byDefault time.Duration) time.Duration {
	if d == 0 {
		return byDefault
	}
	return d
}
