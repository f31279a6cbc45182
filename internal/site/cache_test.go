package site

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Attack 39: memory that grows with every cookie. Only verified ones get here,
// and not without end.
func TestAttack39CacheIsBounded(t *testing.T) {
	t.Parallel()
	var c identityCache
	key := func(i int) cacheKey { return cacheKey{shopOrigin, fmt.Sprint(i)} }
	id := &Identity{}
	for i := range 3 * maxCached {
		c.put(key(i), cached{identity: id, generation: uint64(i)})
		if len(c.entries) > maxCached {
			t.Fatalf("%d entries", len(c.entries))
		}
		if e, ok := c.get(key(i)); !ok || e.generation != uint64(i) {
			t.Fatal("the newest entry is not there")
		}
	}
	if len(c.entries) < maxCached/2 {
		t.Errorf("only %d entries are kept", len(c.entries))
	}
	last := 3*maxCached - 1
	c.drop(key(last))
	if _, ok := c.get(key(last)); ok {
		t.Error("a dropped entry is there")
	}
	// The same cookie on another site is another entry.
	c.put(key(0), cached{identity: id})
	if _, ok := c.get(cacheKey{"https://other.example.com", "0"}); ok {
		t.Error("a session of one site is found on another")
	}
}

// changing is a ledger whose persons change.
type changing struct {
	Ledger
	generation atomic.Uint64
}

func (l *changing) Generation() uint64 { return l.generation.Load() }

// What is prepared of a person who was erased, or changed, does not stay in
// memory until a cookie comes again: none may ever come.
func TestCacheIsSwept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ledger := new(changing)
		site := &Site{Hub: &Hub{Ledger: ledger}}
		put := func(name string) {
			site.cache.put(cacheKey{shopOrigin, name}, cached{identity: &Identity{}, generation: ledger.Generation(), prepared: time.Now()})
			site.sweepLater()
		}
		has := func(when string, names ...string) {
			t.Helper()
			for _, name := range names {
				if _, ok := site.cache.get(cacheKey{shopOrigin, name}); !ok {
					t.Errorf("%s: %s is not there", when, name)
				}
			}
			site.cache.mu.RLock()
			defer site.cache.mu.RUnlock()
			if len(site.cache.entries) != len(names) {
				t.Errorf("%s: %d entries, want %q", when, len(site.cache.entries), names)
			}
		}
		put("erased")
		time.Sleep(sweepEvery + time.Second)
		has("unchanged", "erased")
		ledger.generation.Add(1)
		put("known")
		time.Sleep(sweepEvery)
		has("after the erasure", "known")
		time.Sleep(maxPrepared)
		has("long afterwards")
		put("new")
		time.Sleep(sweepEvery + time.Second)
		ledger.generation.Add(1)
		time.Sleep(sweepEvery)
		has("swept again")
	})
}
