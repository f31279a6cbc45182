package boltledger

import (
	"encoding/binary"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// The table once has two entries for each key, and so finds it by name and by
// time. until is 8 bytes, seconds, big-endian.
//
//	"k" key        → until
//	"u" until key  → nothing; in the order in which keys expire

// once records a key for a day, and reports whether it was there. It removes
// some expired keys.
func (t tables) once(key string) (seen bool, err error) {
	b := t.tx.Bucket(bucketOnce)
	now := time.Now()
	if err := pruneOnce(b.Cursor(), b, now.Unix()); err != nil {
		return false, err
	}
	name := []byte("k" + key)
	if until := b.Get(name); len(until) == 8 {
		if int64(binary.BigEndian.Uint64(until)) > now.Unix() {
			return true, nil
		}
		if err := b.Delete(onceOrder(until, key)); err != nil {
			return false, err
		}
	}
	until := binary.BigEndian.AppendUint64(nil, uint64(now.Add(ledger.OnceFor).Unix()))
	if err := b.Put(name, until); err != nil {
		return false, err
	}
	return false, b.Put(onceOrder(until, key), nil)
}

func onceOrder(until []byte, key string) []byte {
	return append(append([]byte{'u'}, until...), key...)
}

func pruneOnce(c *bolt.Cursor, b *bolt.Bucket, now int64) error {
	for range pruned {
		key, _ := c.Seek([]byte("u"))
		if key == nil {
			return nil
		}
		if len(key) < 9 {
			return ledger.Corrupt("a key that was seen cannot be decoded")
		}
		if int64(binary.BigEndian.Uint64(key[1:])) > now {
			return nil
		}
		name := append([]byte{'k'}, key[9:]...)
		if err := c.Delete(); err != nil {
			return err
		}
		if err := b.Delete(name); err != nil {
			return err
		}
	}
	return nil
}

// noted reports whether a key is recorded and has not expired.
func (t tables) noted(key string) bool {
	until := t.tx.Bucket(bucketOnce).Get([]byte("k" + key))
	return len(until) == 8 && int64(binary.BigEndian.Uint64(until)) > time.Now().Unix()
}
