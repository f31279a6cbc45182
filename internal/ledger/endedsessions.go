package ledger

import (
	"maps"
	"sync"
	"time"
)

// endedSweep is how many tombstones may be in memory before the first sweep.
const endedSweep = 1024

// EndedSessions holds the tombstones of sessions in memory. The zero value is
// ready.
type EndedSessions struct {
	mu    sync.RWMutex
	until map[[16]byte]Span
	sweep int // number of entries at which expired ones are removed
}

// Span is the time during which the tombstone of a session holds.
type Span struct {
	From  int64 // Unix milliseconds; 0 means from the beginning
	Until int64 // Unix seconds
}

// Has reports whether a session was ended. It reads the clock only for ended
// sessions.
func (e *EndedSessions) Has(id [16]byte) bool {
	e.mu.RLock()
	span, ok := e.until[id]
	e.mu.RUnlock()
	if !ok {
		return false
	}
	now := time.Now()
	return now.Unix() < span.Until && now.UnixMilli() >= span.From
}

// Knows reports whether adding a tombstone that holds from the beginning would
// change nothing.
func (e *EndedSessions) Knows(id [16]byte, until int64) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	span, ok := e.until[id]
	return ok && span.From == 0 && span.Until >= until
}

// Begins returns when a delayed tombstone begins, zero for any other.
func (e *EndedSessions) Begins(id [16]byte) time.Time {
	e.mu.RLock()
	span, ok := e.until[id]
	e.mu.RUnlock()
	if !ok || span.From == 0 {
		return time.Time{}
	}
	return time.UnixMilli(span.From).UTC()
}

// Add adds a tombstone. Of two for one session the earlier beginning and the
// later end count. Each sweep follows at least as many additions as it looks at
// entries, so an addition has a constant cost, and the memory is bounded by the
// tombstones that have not expired.
func (e *EndedSessions) Add(id [16]byte, span Span) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.until == nil {
		e.until, e.sweep = make(map[[16]byte]Span), endedSweep
	}
	if old, known := e.until[id]; known {
		span.From, span.Until = min(span.From, old.From), max(span.Until, old.Until)
	}
	e.until[id] = span
	if len(e.until) < e.sweep {
		return
	}
	now := time.Now().Unix()
	for id, span := range e.until {
		if span.Until <= now {
			delete(e.until, id)
		}
	}
	e.sweep = max(endedSweep, 2*len(e.until))
}

// All returns a copy, so that no look-up waits while a caller walks it.
func (e *EndedSessions) All() map[[16]byte]Span {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return maps.Clone(e.until)
}

// UntilSecond rounds up to a second and limits the time to what a record can
// hold; ok is false if it has passed.
func UntilSecond(until time.Time) (end int64, ok bool) {
	end = min(until.Add(time.Second-time.Nanosecond).Unix(), MaxTime)
	return end, end > time.Now().Unix()
}
