package ledger

import (
	"maps"
	"sync"
	"time"
)

const (
	endedSweep = 1024 // tombstones in memory before the first sweep
)

// ended holds the tombstones of sessions in memory.
type ended struct {
	mu    sync.RWMutex
	until map[[16]byte]endedSpan
	sweep int // number of entries at which those in the past are removed
}

// endedSpan is when a tombstone holds.
type endedSpan struct {
	from  int64 // Unix milliseconds; 0 is from the beginning
	until int64 // Unix seconds
}

// has reports whether a session was ended. The clock is read only for sessions that were.
func (e *ended) has(id [16]byte) bool {
	e.mu.RLock()
	span, ok := e.until[id]
	e.mu.RUnlock()
	if !ok {
		return false
	}
	now := time.Now()
	return now.Unix() < span.until && now.UnixMilli() >= span.from
}

// knows says whether adding a tombstone that holds from the beginning would change nothing.
func (e *ended) knows(id [16]byte, until int64) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	span, ok := e.until[id]
	return ok && span.from == 0 && span.until >= until
}

// begins returns when a tombstone begins that does not hold from the beginning, zero for any other.
func (e *ended) begins(id [16]byte) time.Time {
	e.mu.RLock()
	span, ok := e.until[id]
	e.mu.RUnlock()
	if !ok || span.from == 0 {
		return time.Time{}
	}
	return time.UnixMilli(span.from).UTC()
}

// add remembers a tombstone. Of two for the same session the earlier beginning and the later end hold. Each sweep follows at least as many additions as
// it looks at entries, so the cost of one addition stays constant, and the memory bounded by what is still in force.
func (e *ended) add(id [16]byte, span endedSpan) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.until == nil {
		e.until, e.sweep = make(map[[16]byte]endedSpan), endedSweep
	}
	if old, known := e.until[id]; known {
		span.from, span.until = min(span.from, old.from), max(span.until, old.until)
	}
	e.until[id] = span
	if len(e.until) < e.sweep {
		return
	}
	now := time.Now().Unix()
	for id, span := range e.until {
		if span.until <= now {
			delete(e.until, id)
		}
	}
	e.sweep = max(endedSweep, 2*len(e.until))
}

// all returns a copy, so that nobody who asks about a session waits for whoever walks.
func (e *ended) all() map[[16]byte]endedSpan {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return maps.Clone(e.until)
}

// untilSecond rounds up to a second and bounds what a record can hold; ok is false if it has passed.
func untilSecond(until time.Time) (end int64, ok bool) {
	end = min(until.Add(time.Second-time.Nanosecond).Unix(), maxTime)
	return end, end > time.Now().Unix()
}
