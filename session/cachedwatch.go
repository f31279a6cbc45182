package session

import "time"

// CacheResult says where a CachedStore had an answer from.
type CacheResult string

// The results.
const (
	CacheHit   CacheResult = "hit"   // from memory
	CacheMiss  CacheResult = "miss"  // the store was asked
	CacheStale CacheResult = "stale" // from memory, because the store did not answer
)

// The calls of a Store, as [CacheWatch] names them.
const (
	CallLoad    = "load"
	CallSave    = "save"
	CallRenew   = "renew"
	CallEnd     = "end"
	CallReplace = "replace"
)

// CacheWatch follows what a CachedStore does. Its functions are called on every
// request: they must be fast and must not block. Each may be nil.
type CacheWatch struct {
	// Loaded is called at each Load of a value that may be one of a session.
	Loaded func(CacheResult)
	// Called is called after each call of the store with its name, how long it
	// took, and its error.
	Called func(call string, took time.Duration, err error)
}

// loaded reports where an answer came from.
func (n *CachedStore) loaded(result CacheResult) {
	if n.Watch.Loaded != nil {
		n.Watch.Loaded(result)
	}
}

// called reports a call of the store that began at a time.
func (n *CachedStore) called(call string, begun time.Time, err error) {
	if n.Watch.Called != nil {
		n.Watch.Called(call, time.Since(begun), err)
	}
}
