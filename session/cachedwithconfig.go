package session

import "iter"

// maxBeside is how many of those that were made last a CachedStore looks at.
const maxBeside = 8

// opener is a Store that can tell by itself, without asking anybody, whether its
// keys open a value.
type opener interface {
	Opens(value string, b Binding) bool
}

// withdrawer is an opener whose keys can be taken away while it is used: see
// [Ring.Withdrawn].
type withdrawer interface {
	opener
	Withdrawn() uint64
}

// withdrawals is how often a key was taken off the store's ring, as far as it can
// say.
func (n *CachedStore) withdrawals() uint64 {
	if w, ok := n.Store.(withdrawer); ok {
		return w.Withdrawn()
	}
	return 0
}

// WithConfig returns a CachedStore over another store with another policy, for a
// configuration that comes after n's. Both share bounds, channel and memory, but
// neither believes what the other was told: each asks its own store. Only while
// that one is unavailable does it go on with what another was told, if its own keys
// open the value and its own policy lets the session live. So nobody notices that
// keys changed while Redis was down, and a key that was taken away opens nothing.
// That is for stores that can say what their keys open, as Redis can, and for the
// last nine configurations.
//
// Start and Close are for all that share a memory: call those of the first.
func (n *CachedStore) WithConfig(store Store, policy Policy) *CachedStore {
	first := n
	if n.of != nil {
		first = n.of
	}
	return &CachedStore{
		Store: store, Policy: policy, Bus: first.Bus, MaxEntries: first.MaxEntries,
		Stale: first.Stale, Fresh: first.Fresh, StaleIfDown: first.StaleIfDown, Logger: first.Logger,
		of: first, view: first.own.cache.newest.Add(1),
	}
}

// memory is what is shared.
func (n *CachedStore) memory() *cacheMemory {
	if n.of != nil {
		return &n.of.own
	}
	return &n.own
}

// known returns what is remembered of a value: by this CachedStore or, if it would open
// it too, by one beside it.
func (n *CachedStore) known(k cacheKey) *entry {
	c := &n.memory().cache
	e := c.get(k)
	if e != nil {
		return n.stillOpen(k, e)
	}
	if c.newest.Load() == 0 {
		return nil
	}
	for other := range c.beside(k) {
		if o := c.get(other); o != nil && (e == nil || o.confirmed.After(e.confirmed)) {
			e = o
		}
	}
	if e == nil {
		return nil
	}
	// Attack: a stolen key is taken out of the configuration, and what was made
	// with it goes on from memory.
	if o, ok := n.Store.(opener); !ok || !o.Opens(k.value, k.binding) {
		return nil
	}
	return e
}

// stillOpen returns an entry of n's own, unless the key that made the value was
// taken off the ring since (attack: a leaked key is withdrawn on a running gateway,
// and what was made with it goes on from memory). It opens the value once for each
// withdrawal.
func (n *CachedStore) stillOpen(k cacheKey, e *entry) *entry {
	withdrawn := n.withdrawals()
	if e.withdrawn.Load() == withdrawn {
		return e
	}
	if !n.Store.(withdrawer).Opens(k.value, k.binding) {
		return nil // the store says the same, and it is forgotten
	}
	e.withdrawn.Store(withdrawn)
	return e
}

// beside yields the keys under which those made last, but k's own, remember what k
// names. The one that a rollback brings back may be older than another.
func (c *entryCache) beside(k cacheKey) iter.Seq[cacheKey] {
	newest := c.newest.Load()
	return func(yield func(cacheKey) bool) {
		for view := newest - min(newest, maxBeside); view <= newest; view++ {
			if view != k.view && !yield(cacheKey{k.value, k.binding, view}) {
				return
			}
		}
	}
}

// forget drops a value that is no session for all: what a store has said once must
// not come back when the store goes away. The caller holds the lock.
func (c *entryCache) forget(k cacheKey) {
	for other := range c.beside(k) {
		c.remove(other)
		if f := c.flights[other]; f != nil {
			f.spoiled = true // may have asked before the end
		}
	}
}
