package session

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// cacheKey is what an answer of the store depends on.
type cacheKey struct {
	value   string
	binding Binding
	view    uint32 // of the CachedStore that asked: it has its own keys and times
}

// entry is a remembered session. Only its atomic fields change.
type entry struct {
	session   Session
	ref       string
	line      string // its hash
	person    string // its hash; "" for a guest
	confirmed time.Time
	view      uint32

	withdrawn atomic.Uint64 // keys taken off the ring before the value was last opened

	changed atomic.Bool  // the session was written: ask before the next use
	retry   atomic.Int64 // not asked for again before this time, in ns since 1970
	used    atomic.Int64 // when last used, in ns since 1970
}

func newEntry(s *Session, confirmed time.Time, view uint32, withdrawn uint64) *entry {
	p := newPlace(s)
	e := &entry{session: *s, ref: p.ref, line: p.line, person: p.person, confirmed: confirmed, view: view}
	if s.Person == "" {
		e.person = "" // else all guests would share one index entry
	}
	e.withdrawn.Store(withdrawn)
	e.used.Store(confirmed.UnixNano())
	return e
}

// copy returns the session for a caller.
func (e *entry) copy(now time.Time) *Session {
	e.used.Store(now.UnixNano())
	s := e.session
	return &s
}

// entryCache holds the sessions that a CachedStore remembers, and its questions
// to the store that are under way.
type entryCache struct {
	mu      sync.RWMutex
	entries map[cacheKey]*entry
	refs    cacheIndex // the values of each session
	lines   cacheIndex // the values of each line
	persons cacheIndex // the values of each person, without guests
	flights map[cacheKey]*flight
	newest  atomic.Uint32 // the last view; see WithConfig
	writes  map[*cacheWrite]struct{}
}

// cacheWrite is a write to the store that is under way.
type cacheWrite struct {
	place
	spoiled bool // its session was ended meanwhile
}

func (c *entryCache) get(k cacheKey) *entry {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.entries[k]
}

// join returns the pending load of a key. first is true if the caller must
// start it. A load that began before the last withdrawal of a key is not
// joined: its session may have been opened by the withdrawn key.
func (c *entryCache) join(k cacheKey, withdrawn uint64) (f *flight, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.flights[k]; f != nil && !f.spoiled && f.withdrawn == withdrawn {
		return f, false
	}
	if c.flights == nil {
		c.flights = make(map[cacheKey]*flight)
	}
	f = &flight{done: make(chan struct{}), withdrawn: withdrawn}
	c.flights[k] = f
	return f, true
}

// land stores the result of a load and ends it.
func (c *entryCache) land(k cacheKey, f *flight, begun time.Time, limit int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flights[k] == f {
		delete(c.flights, k)
	}
	switch {
	case f.err == nil && !f.spoiled:
		c.put(k, newEntry(f.session, begun, k.view, f.withdrawn), limit)
	case f.err != nil && !errors.Is(f.err, ErrUnavailable):
		c.remove(k)
		if !errors.Is(f.err, ErrTampered) { // our keys say that, not the store
			c.forget(k)
		}
	}
}

// beginWrite and endWrite enclose a write, whose result is remembered unless
// the session was ended meanwhile.
func (c *entryCache) beginWrite(p place) *cacheWrite {
	w := &cacheWrite{place: p}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writes == nil {
		c.writes = make(map[*cacheWrite]struct{})
	}
	c.writes[w] = struct{}{}
	return w
}

func (c *entryCache) endWrite(w *cacheWrite, k cacheKey, e *entry, limit int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.writes, w)
	if e != nil && !w.spoiled {
		c.put(k, e, limit)
	}
}

// put remembers an entry. The caller holds the lock.
func (c *entryCache) put(k cacheKey, e *entry, limit int) {
	if c.entries == nil {
		c.entries, c.refs, c.lines, c.persons = make(map[cacheKey]*entry), cacheIndex{}, cacheIndex{}, cacheIndex{}
	}
	if c.entries[k] == nil {
		for len(c.entries) >= limit {
			c.evict()
		}
		c.refs.add(e.ref, k)
		c.lines.add(e.line, k)
		c.persons.add(e.person, k)
	}
	c.entries[k] = e
}

// evict drops the least recently used of a few entries, so that sessions in use
// stay.
func (c *entryCache) evict() {
	const sample = 8
	var oldest cacheKey
	var at int64
	seen := 0
	for k, e := range c.entries { // from a random place on
		if used := e.used.Load(); seen == 0 || used < at {
			oldest, at = k, used
		}
		if seen++; seen == sample {
			break
		}
	}
	c.remove(oldest)
}

// remove drops a value. The caller holds the lock.
func (c *entryCache) remove(k cacheKey) {
	e := c.entries[k]
	if e == nil {
		return
	}
	delete(c.entries, k)
	c.refs.remove(e.ref, k)
	c.lines.remove(e.line, k)
	c.persons.remove(e.person, k)
}

// dropRef drops a session that ended.
func (c *entryCache) dropRef(ref string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range slices.Clone(c.refs[ref]) {
		c.remove(k)
	}
	c.spoil(func(w *cacheWrite) bool { return w.ref == ref })
}

// dropLine drops the sessions of a line that ended.
func (c *entryCache) dropLine(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range slices.Clone(c.lines[line]) {
		c.remove(k)
	}
	c.spoil(func(w *cacheWrite) bool { return w.line == line })
}

// dropPerson drops the sessions of a person. It looks at those alone (attack: a
// program that may publish names one person after another; if each message made
// us search all entries, every request would wait).
func (c *entryCache) dropPerson(person string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range slices.Clone(c.persons[person]) {
		c.remove(k)
	}
	c.spoil(func(w *cacheWrite) bool { return w.person == person })
}

// change marks the values of a session, so that the store is asked before they
// are used again.
func (c *entryCache) change(ref string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.refs[ref] {
		c.entries[k].changed.Store(true)
	}
	c.spoil(nil)
}

// spoil marks pending loads and writes, so that their results are not cached:
// the store may have answered before the end that was just announced. All
// pending loads are marked, because their sessions are not known yet.
func (c *entryCache) spoil(written func(*cacheWrite) bool) {
	for _, f := range c.flights {
		f.spoiled = true
	}
	if written == nil {
		return
	}
	for w := range c.writes {
		w.spoiled = w.spoiled || written(w)
	}
}

// sweep drops entries that are of no use any more.
func (c *entryCache) sweep(before time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, e := range c.entries {
		if e.confirmed.Before(before) {
			c.remove(k)
		}
	}
}
