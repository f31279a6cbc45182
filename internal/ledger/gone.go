package ledger

import (
	"encoding/binary"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
)

const goneKeyLength = 8 + idLength

// gone holds in memory, for each person whose sessions were ended, up to when those were created. It is looked at on
// every request with a sealed session.
type gone struct {
	mu    sync.RWMutex
	of    map[string]goneUntil
	sweep int // as in ended
}

type goneUntil struct{ at, until int64 } // Unix seconds

// has returns the time up to which a person's sessions are over. The clock is read only for persons who have one.
func (g *gone) has(person string) time.Time {
	g.mu.RLock()
	e, ok := g.of[person]
	g.mu.RUnlock()
	if !ok || time.Now().Unix() >= e.until {
		return time.Time{}
	}
	return time.Unix(e.at, 0).UTC()
}

// add remembers a tombstone. Of two for one person the later times win: a session that either of them ends is over.
func (g *gone) add(person string, e goneUntil) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.of == nil {
		g.of, g.sweep = make(map[string]goneUntil), endedSweep
	}
	old, known := g.of[person]
	if known {
		e.at, e.until = max(e.at, old.at), max(e.until, old.until)
	}
	g.of[person] = e
	if len(g.of) < g.sweep {
		return
	}
	now := time.Now().Unix()
	for person, e := range g.of {
		if e.until <= now {
			delete(g.of, person)
		}
	}
	g.sweep = max(endedSweep, 2*len(g.of))
}

// goneKey sorts by time, so that what is past stands first.
func goneKey(person string, until int64) []byte {
	key := binary.BigEndian.AppendUint64(make([]byte, 0, goneKeyLength), uint64(until))
	return append(key, person...)
}

func parseGone(key, value []byte) (person string, e goneUntil, err error) {
	if len(key) != goneKeyLength || len(value) != 8 || !validID(string(key[8:])) {
		return "", e, corrupt("a person's tombstone cannot be decoded")
	}
	until, at := binary.BigEndian.Uint64(key), binary.BigEndian.Uint64(value)
	if until > maxTime || at > maxTime {
		return "", e, corrupt("a person's tombstone has a bad time")
	}
	return string(key[8:]), goneUntil{at: int64(at), until: int64(until)}, nil
}

// loadGone reads the tombstones still in force.
func (t tables) loadGone(g *gone) error {
	now := time.Now().Unix()
	return t.tx.Bucket(bucketGone).ForEach(func(key, value []byte) error {
		person, e, err := parseGone(key, value)
		if err == nil && e.until > now {
			g.add(person, e)
		}
		return err
	})
}

// endPerson writes a tombstone under each id and removes some that are past. It reports whether it wrote anything.
func (t tables) endPerson(ids []string, e goneUntil) (bool, error) {
	b := t.tx.Bucket(bucketGone)
	if err := pruneGone(b.Cursor()); err != nil {
		return false, err
	}
	wrote := false
	for _, id := range ids {
		key := goneKey(id, e.until)
		if value := b.Get(key); len(value) == 8 && int64(binary.BigEndian.Uint64(value)) >= e.at {
			continue
		}
		if err := b.Put(key, binary.BigEndian.AppendUint64(nil, uint64(e.at))); err != nil {
			return false, err
		}
		wrote = true
	}
	return wrote, nil
}

func pruneGone(c *bolt.Cursor) error {
	now := time.Now().Unix()
	for range endedPrune {
		key, value := c.First()
		if key == nil {
			return nil
		}
		if _, e, err := parseGone(key, value); err != nil || e.until > now {
			return err
		}
		if err := c.Delete(); err != nil {
			return err
		}
	}
	return nil
}

// goneTimes rounds the times of EndPerson; ok is false if there is nothing to remember.
func goneTimes(at, until time.Time) (e goneUntil, ok bool) {
	e.at = min(max(at.Unix(), 0), maxTime)
	e.until, ok = untilSecond(until)
	return e, ok
}
