package site

import "time"

const (
	// sweepEvery is how often entries of an identityCache that are out of date
	// are dropped: until then they hold openid and nickname of a person who was
	// erased.
	sweepEvery = 10 * time.Second
	// maxPrepared is how long an identity stays prepared, so that the cache of a
	// configuration that was replaced empties itself, too.
	maxPrepared = 10 * time.Minute
)

// sweepLater has the cache swept until it is empty. No request has to come for
// that: the cookie of a person who was erased may never come again.
func (site *Site) sweepLater() {
	if site.cache.sweeping.CompareAndSwap(false, true) {
		time.AfterFunc(sweepEvery, site.sweep)
	}
}

func (site *Site) sweep() {
	if site.cache.sweep(site.Hub.Ledger.Generation(), time.Now()) {
		time.AfterFunc(sweepEvery, site.sweep)
	}
}

// sweep drops the entries that are older than this generation of the ledger,
// whose sessions are read again anyway, and reports whether others are left.
func (c *identityCache) sweep(generation uint64, now time.Time) (more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, e := range c.entries {
		if e.generation != generation || now.Sub(e.prepared) >= maxPrepared {
			delete(c.entries, key)
		}
	}
	if len(c.entries) == 0 {
		c.sweeping.Store(false) // under mu: put adds nothing meanwhile
	}
	return len(c.entries) > 0
}
