package session

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// floodCache remembers one session of each of n persons, and of a guest.
func floodCache(n int) *entryCache {
	c := new(entryCache)
	for i := range n {
		s := New(testBinding, fmt.Sprintf("person%d", i), "o", ScopeBase)
		c.put(cacheKey{value: s.ID.String()}, newEntry(s, time.Now(), 0, 0), n+1)
	}
	guest := New(testBinding, "", "", ScopeBase)
	guest.Guest = true
	c.put(cacheKey{value: "guest"}, newEntry(guest, time.Now(), 0, 0), n+1)
	return c
}

// Attack: a program that may publish names one person after another. Each
// message must look at that person's values alone, and forget exactly those.
func TestAnnouncedPersonsAreFoundByName(t *testing.T) {
	t.Parallel()
	const n = 100
	c := floodCache(n)
	again := New(testBinding, "person7", "o", ScopeBase)
	c.put(cacheKey{value: "again"}, newEntry(again, time.Now(), 0, 0), n+2)
	for name, want := range map[string]int{"person7": 2, "person8": 1, "nobody": 0} {
		if got := len(c.persons[personRef(name)]); got != want {
			t.Errorf("%s has %d values, want %d", name, got, want)
		}
	}
	for _, step := range []struct {
		name string
		left int
	}{{"nobody", n + 2}, {"", n + 2}, {"person7", n}, {"person7", n}, {"person8", n - 1}} {
		c.dropPerson(personRef(step.name))
		if len(c.entries) != step.left {
			t.Errorf("after %q: %d sessions are remembered, want %d", step.name, len(c.entries), step.left)
		}
	}
	// What is evicted leaves no name behind: the names are no more than the
	// sessions.
	for range 3 * n {
		s := New(testBinding, NewID().String(), "o", ScopeBase)
		c.put(cacheKey{value: s.ID.String()}, newEntry(s, time.Now(), 0, 0), n/2)
	}
	if len(c.persons) > n/2 || len(c.refs) > n/2 || len(c.entries) > n/2 {
		t.Errorf("%d persons, %d names and %d sessions are remembered, want at most %d", len(c.persons), len(c.refs), len(c.entries), n/2)
	}
	for name, keys := range c.persons {
		if slices.ContainsFunc(keys, func(k cacheKey) bool { return c.entries[k] == nil || c.entries[k].person != name }) {
			t.Errorf("%s has a value that is not remembered", name)
		}
	}
}

// BenchmarkNearDropPerson: one message about a person with a full memory.
func BenchmarkNearDropPerson(b *testing.B) {
	c := floodCache(65536)
	for b.Loop() {
		c.dropPerson("somebody else")
	}
}
