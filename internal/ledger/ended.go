package ledger

import (
	"encoding/binary"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	endedKeyLength = 8 + 16
	endedPrune     = 64   // tombstones removed from the file for each one added, at most
	endedSweep     = 1024 // tombstones in memory before the first sweep
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

// endedKey sorts by time, so that what is past stands first.
func endedKey(id [16]byte, until int64) []byte {
	key := binary.BigEndian.AppendUint64(make([]byte, 0, endedKeyLength), uint64(until))
	return append(key, id[:]...)
}

func parseEndedKey(key []byte) (id [16]byte, until int64, err error) {
	if len(key) != endedKeyLength || binary.BigEndian.Uint64(key) > maxTime {
		return id, 0, corrupt("a tombstone cannot be decoded")
	}
	copy(id[:], key[8:])
	return id, int64(binary.BigEndian.Uint64(key)), nil
}

// loadEnded reads the tombstones still in force.
func (t tables) loadEnded(e *ended) error {
	now := time.Now().Unix()
	return t.tx.Bucket(bucketEnded).ForEach(func(key, value []byte) error {
		id, until, err := parseEndedKey(key)
		if err == nil && until > now {
			e.add(id, endedSpan{from: endedFrom(value), until: until})
		}
		return err
	})
}

// endedFrom reads the beginning of a tombstone: nothing, or 8 bytes. What cannot be read is from the beginning.
func endedFrom(value []byte) int64 {
	if len(value) != 8 {
		return 0
	}
	return int64(min(binary.BigEndian.Uint64(value), maxTime*1000))
}

// endSession writes a tombstone and removes some that are past. It reports whether it wrote anything.
func (t tables) endSession(id [16]byte, span endedSpan) (bool, error) {
	b := t.tx.Bucket(bucketEnded)
	key := endedKey(id, span.until)
	if had := b.Get(key); had != nil && endedFrom(had) <= span.from {
		return false, nil
	}
	if err := pruneEnded(b.Cursor()); err != nil {
		return false, err
	}
	var value []byte
	if span.from > 0 {
		value = number(uint64(span.from))
	}
	return true, b.Put(key, value)
}

func pruneEnded(c *bolt.Cursor) error {
	now := time.Now().Unix()
	for range endedPrune {
		key, _ := c.First()
		if key == nil {
			return nil
		}
		if _, until, err := parseEndedKey(key); err != nil || until > now {
			return err
		}
		if err := c.Delete(); err != nil {
			return err
		}
	}
	return nil
}
