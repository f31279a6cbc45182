package ledger

import (
	"maps"
	"sync"
	"time"
)

// endedSweep is how many tombstones may be in memory before the first sweep.
const endedSweep = 1024

// EndedSessions holds the tombstones of sessions in memory. The zero value is ready.
type EndedSessions struct {
	mu    sync.RWMutex
	until map[[16]byte]Span
	sweep int // number of entries at which those in the past are removed
}

// Span is when the tombstone of a session holds.
type Span struct {
	From  int64 // Unix milliseconds; 0 is from the beginning
	Until int64 // Unix seconds
}

// Has reports whether a session was ended. The clock is read only for sessions that were.
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

// Knows says whether adding a tombstone that holds from the beginning would change nothing.
func (e *EndedSessions) Knows(id [16]byte, until int64) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	span, ok := e.until[id]
	return ok && span.From == 0 && span.Until >= until
}

// Begins returns when a tombstone begins that does not hold from the beginning, zero for any other.
func (e *EndedSessions) Begins(id [16]byte) time.Time {
	e.mu.RLock()
	span, ok := e.until[id]
	e.mu.RUnlock()
	if !ok || span.From == 0 {
		return time.Time{}
	}
	return time.UnixMilli(span.From).UTC()
}

// Add remembers a tombstone. Of two for the same session the earlier beginning and the later end hold. Each sweep follows
// at least as many additions as it looks at entries, so the cost of one addition stays constant, and the memory bounded
// by what is still in force.
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

// All returns a copy, so that nobody who asks about a session waits for whoever walks.
func (e *EndedSessions) All() map[[16]byte]Span {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return maps.Clone(e.until)
}

// UntilSecond rounds up to a second and bounds what a record can hold; ok is false if it has passed.
func UntilSecond(until time.Time) (end int64, ok bool) {
	end = min(until.Add(time.Second-time.Nanosecond).Unix(), MaxTime)
	return end, end > time.Now().Unix()
}
