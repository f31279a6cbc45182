package session

import "iter"

// maxWithConfig is how many of the newest other views a CachedStore looks at.
const maxWithConfig = 8

// opener is a Store that can tell, without I/O, whether its keys open a value.
type opener interface {
	Opens(value string, b Binding) bool
}

// withdrawer is an opener whose keys can be withdrawn while it is used: see
// [Ring.Withdrawn].
type withdrawer interface {
	opener
	Withdrawn() uint64
}

// withdrawals returns how often a key was taken off the store's ring, as far as
// the store can tell.
func (n *CachedStore) withdrawals() uint64 {
	if w, ok := n.Store.(withdrawer); ok {
		return w.Withdrawn()
	}
	return 0
}

// WithConfig returns a CachedStore over another store with another policy, for
// the configuration that replaces n's. Both share bounds, channel and memory,
// but neither uses the answers of the other: each asks its own store. Only
// while that store is unavailable does it use a session that the other
// remembers, if its own keys open the value and its own policy lets the session
// live. So visitors stay signed in when keys change while Redis is down, and a
// withdrawn key opens nothing. This works for stores that can tell what their
// keys open, as Redis can, and for the last nine configurations.
//
// Start and Close act on all that share a memory: call those of the first one.
func (n *CachedStore) WithConfig(store Store, policy Policy) *CachedStore {
	first := n
	if n.of != nil {
		first = n.of
	}
	return &CachedStore{
		Store: store, Policy: policy, Bus: first.Bus, MaxEntries: first.MaxEntries,
		Stale: first.Stale, Fresh: first.Fresh, StaleIfDown: first.StaleIfDown, Logger: first.Logger, Watch: first.Watch,
		of: first, view: first.own.cache.newest.Add(1),
	}
}

// memory returns the shared memory.
func (n *CachedStore) memory() *cacheMemory {
	if n.of != nil {
		return &n.of.own
	}
	return &n.own
}

// known returns the remembered session of a value: one of this CachedStore or,
// if its keys open the value too, one of another view.
func (n *CachedStore) known(k cacheKey) *entry {
	c := &n.memory().cache
	e := c.get(k)
	if e != nil {
		return n.stillOpen(k, e)
	}
	if c.newest.Load() == 0 {
		return nil
	}
	for other := range c.sameSession(k) {
		if o := c.get(other); o != nil && (e == nil || o.confirmed.After(e.confirmed)) {
			e = o
		}
	}
	if e == nil {
		return nil
	}
	// Attack: a stolen key is taken out of the configuration, and sessions made
	// with it go on from memory.
	if o, ok := n.Store.(opener); !ok || !o.Opens(k.value, k.binding) {
		return nil
	}
	return e
}

// stillOpen returns an entry of n's own, unless the key that made the value has
// since been taken off the ring (attack: a leaked key is withdrawn on a running
// gateway, and sessions made with it go on from memory). It opens the value
// once after each withdrawal.
func (n *CachedStore) stillOpen(k cacheKey, e *entry) *entry {
	withdrawn := n.withdrawals()
	if e.withdrawn.Load() == withdrawn {
		return e
	}
	if !n.Store.(withdrawer).Opens(k.value, k.binding) {
		return nil // the store gives the same answer, and the entry is dropped
	}
	e.withdrawn.Store(withdrawn)
	return e
}

// sameSession yields the keys under which the newest other views remember the
// value of k. The view that a rollback brings back may be older than another.
func (c *entryCache) sameSession(k cacheKey) iter.Seq[cacheKey] {
	newest := c.newest.Load()
	return func(yield func(cacheKey) bool) {
		for view := newest - min(newest, maxWithConfig); view <= newest; view++ {
			if view != k.view && !yield(cacheKey{k.value, k.binding, view}) {
				return
			}
		}
	}
}

// forget drops a value that is no session, for all views: an answer of the
// store must not be undone when the store goes away. The caller holds the lock.
func (c *entryCache) forget(k cacheKey) {
	for other := range c.sameSession(k) {
		c.remove(other)
		if f := c.flights[other]; f != nil {
			f.spoiled = true // may have asked before the end of the session
		}
	}
}
