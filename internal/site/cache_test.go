package site

import (
	"fmt"
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

// What is prepared of a person who was erased, or changed, does not stay in
// memory until the cookie comes again: it may never come.
func TestCacheIsSwept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c identityCache
		put := func(name string, generation uint64) {
			c.put(cacheKey{shopOrigin, name}, cached{identity: &Identity{}, generation: generation})
		}
		put("erased", 1)
		put("known", 2)
		time.Sleep(sweepEvery - time.Second)
		put("known", 2)
		if len(c.entries) != 2 {
			t.Errorf("%d entries before a minute has passed, want 2", len(c.entries))
		}
		time.Sleep(2 * time.Second)
		put("new", 2)
		if _, ok := c.get(cacheKey{shopOrigin, "erased"}); ok || len(c.entries) != 2 {
			t.Errorf("%d entries, the old one among them: %t", len(c.entries), ok)
		}
	})
}
