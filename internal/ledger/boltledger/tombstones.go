package boltledger

import (
	"encoding/binary"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

const (
	endedKeyLength = 8 + 16
	goneKeyLength  = 8 + ledger.IDLength
	// pruned is how many expired entries are removed, at most, for each new
	// one.
	pruned = 64
)

// endedKey sorts by time, so that expired entries come first.
func endedKey(id [16]byte, until int64) []byte {
	key := binary.BigEndian.AppendUint64(make([]byte, 0, endedKeyLength), uint64(until))
	return append(key, id[:]...)
}

func parseEndedKey(key []byte) (id [16]byte, until int64, err error) {
	if len(key) != endedKeyLength || binary.BigEndian.Uint64(key) > ledger.MaxTime {
		return id, 0, ledger.Corrupt("a tombstone cannot be decoded")
	}
	copy(id[:], key[8:])
	return id, int64(binary.BigEndian.Uint64(key)), nil
}

// loadEnded reads the tombstones that have not expired.
func (t tables) loadEnded(e *ledger.EndedSessions) error {
	now := time.Now().Unix()
	return t.tx.Bucket(bucketEnded).ForEach(func(key, value []byte) error {
		id, until, err := parseEndedKey(key)
		if err == nil && until > now {
			e.Add(id, ledger.Span{From: endedFrom(value), Until: until})
		}
		return err
	})
}

// endedFrom reads the beginning of a tombstone: nothing, or 8 bytes. An
// unreadable value holds from the beginning.
func endedFrom(value []byte) int64 {
	if len(value) != 8 {
		return 0
	}
	return int64(min(binary.BigEndian.Uint64(value), ledger.MaxTime*1000))
}

// endSession writes a tombstone and removes some expired ones. It reports
// whether it wrote anything.
func (t tables) endSession(id [16]byte, span ledger.Span) (bool, error) {
	b := t.tx.Bucket(bucketEnded)
	key := endedKey(id, span.Until)
	if had := b.Get(key); had != nil && endedFrom(had) <= span.From {
		return false, nil
	}
	if err := pruneEnded(b.Cursor()); err != nil {
		return false, err
	}
	var value []byte
	if span.From > 0 {
		value = number(uint64(span.From))
	}
	return true, b.Put(key, value)
}

func pruneEnded(c *bolt.Cursor) error {
	now := time.Now().Unix()
	for range pruned {
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

// personEndKey sorts by time, so that expired entries come first.
func personEndKey(person string, until int64) []byte {
	key := binary.BigEndian.AppendUint64(make([]byte, 0, goneKeyLength), uint64(until))
	return append(key, person...)
}

func parseGone(key, value []byte) (person string, e ledger.PersonEnd, err error) {
	if len(key) != goneKeyLength || len(value) != 8 || !ledger.ValidID(string(key[8:])) {
		return "", e, ledger.Corrupt("a person's tombstone cannot be decoded")
	}
	until, at := binary.BigEndian.Uint64(key), binary.BigEndian.Uint64(value)
	if until > ledger.MaxTime || at > ledger.MaxTime {
		return "", e, ledger.Corrupt("a person's tombstone has a bad time")
	}
	return string(key[8:]), ledger.PersonEnd{At: int64(at), Until: int64(until)}, nil
}

// loadPersonEnds reads the tombstones that have not expired.
func (t tables) loadPersonEnds(g *ledger.EndedPersons) error {
	now := time.Now().Unix()
	return t.tx.Bucket(bucketGone).ForEach(func(key, value []byte) error {
		person, e, err := parseGone(key, value)
		if err == nil && e.Until > now {
			g.Add(person, e)
		}
		return err
	})
}

// endPerson writes a tombstone under each id and removes some expired ones. It
// reports whether it wrote anything.
func (t tables) endPerson(ids []string, e ledger.PersonEnd) (bool, error) {
	b := t.tx.Bucket(bucketGone)
	if err := pruneGone(b.Cursor()); err != nil {
		return false, err
	}
	wrote := false
	for _, id := range ids {
		key := personEndKey(id, e.Until)
		if value := b.Get(key); len(value) == 8 && int64(binary.BigEndian.Uint64(value)) >= e.At {
			continue
		}
		if err := b.Put(key, binary.BigEndian.AppendUint64(nil, uint64(e.At))); err != nil {
			return false, err
		}
		wrote = true
	}
	return wrote, nil
}

func pruneGone(c *bolt.Cursor) error {
	now := time.Now().Unix()
	for range pruned {
		key, value := c.First()
		if key == nil {
			return nil
		}
		if _, e, err := parseGone(key, value); err != nil || e.Until > now {
			return err
		}
		if err := c.Delete(); err != nil {
			return err
		}
	}
	return nil
}
