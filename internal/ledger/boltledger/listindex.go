package boltledger

import (
	"encoding/binary"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// The indexes of lists lie in a bucket within the bucket meta, where older
// gateways do not look: they refuse a file with unknown buckets beside theirs.
// An older gateway changes persons and leaves the indexes as they are. So each
// commit writes its transaction's number here, and a file whose last
// transaction has another number gets new indexes when it is opened.
//
// The indexes of an older file are built in the order of ids while the gateway
// runs (reindex.go). "to" is the id up to which that has come. Every change of
// a person keeps the entries; only persons up to "to" are counted.
var (
	bucketLists    = []byte("lists")
	bucketSeen     = []byte("seen")     // ledger.Listing.Seen → nothing
	bucketNickname = []byte("nickname") // ledger.Listing.Nickname → nothing

	keyVersion = []byte("version") // ledger.ListsVersion
	keyTo      = []byte("to")      // id; allPersons when the indexes are complete
	keyCount   = []byte("persons") // number of persons up to "to", 8 bytes
	keyTx      = []byte("tx")      // number of the last transaction, 8 bytes
)

// allPersons sorts behind every id.
const allPersons = "~"

// lists is the bucket of the indexes; nil in a file of an older gateway.
func (t tables) lists() *bolt.Bucket {
	meta := t.tx.Bucket(bucketMeta)
	if meta == nil {
		return nil
	}
	return meta.Bucket(bucketLists)
}

// makeLists makes the indexes if they are missing, or if another gateway has
// written since. A new file has nothing to build. It reports whether it wrote
// anything.
func (t tables) makeLists(isNew bool) (bool, error) {
	meta := t.tx.Bucket(bucketMeta)
	if b := meta.Bucket(bucketLists); b != nil {
		written := binary.BigEndian.AppendUint64(nil, uint64(t.tx.ID()-1)) // this transaction has not written yet
		if string(b.Get(keyVersion)) == ledger.ListsVersion && string(b.Get(keyTx)) == string(written) {
			return false, nil
		}
		if err := meta.DeleteBucket(bucketLists); err != nil {
			return false, err
		}
	}
	b, err := meta.CreateBucket(bucketLists)
	if err != nil {
		return false, err
	}
	for _, name := range [][]byte{bucketSeen, bucketNickname} {
		if _, err := b.CreateBucket(name); err != nil {
			return false, err
		}
	}
	to := ""
	if isNew {
		to = allPersons
	}
	if err := b.Put(keyVersion, []byte(ledger.ListsVersion)); err != nil {
		return false, err
	}
	return true, t.advance(to, 0)
}

// advance sets how far the indexes are built, and adds to the number of
// persons.
func (t tables) advance(to string, more int) error {
	b := t.lists()
	if err := b.Put(keyTo, []byte(to)); err != nil {
		return err
	}
	return b.Put(keyCount, number(uint64(t.counted()+more)))
}

// builtTo returns the id up to which the indexes are built.
func (t tables) builtTo() string { return string(t.lists().Get(keyTo)) }

// counted returns the stored number of persons.
func (t tables) counted() int {
	value := t.lists().Get(keyCount)
	if len(value) != 8 {
		return 0
	}
	return int(binary.BigEndian.Uint64(value))
}

// sign records the transaction in the indexes. A file without them is not a
// ledger yet.
func sign(tx *bolt.Tx) error {
	b := tables{tx}.lists()
	if b == nil {
		return nil
	}
	return b.Put(keyTx, number(uint64(tx.ID())))
}

// put writes a record and its entries in the indexes.
func (t tables) put(p *ledger.Person) error {
	old, err := t.load(p.ID)
	if err != nil {
		return err
	}
	data, err := ledger.EncodePerson(p)
	if err != nil {
		return err
	}
	if err := t.tx.Bucket(bucketPerson).Put([]byte(p.ID), data); err != nil {
		return err
	}
	var was ledger.Listing
	if old.ID != "" {
		was = old.Listing()
	} else if err := t.addCount(p.ID, 1); err != nil {
		return err
	}
	return t.relist(was, p.Listing())
}

// drop removes a record and its entries in the indexes.
func (t tables) drop(id string) error {
	old, err := t.load(id)
	if err != nil || old.ID == "" {
		return err
	}
	if err := t.tx.Bucket(bucketPerson).Delete([]byte(id)); err != nil {
		return err
	}
	if err := t.addCount(id, -1); err != nil {
		return err
	}
	return t.relist(old.Listing(), ledger.Listing{})
}

// addCount counts a person who was added or removed. Persons behind "to" will
// be counted when the indexes have come to them.
func (t tables) addCount(id string, n int) error {
	to := t.builtTo()
	if id > to {
		return nil
	}
	return t.advance(to, n)
}

// relist replaces the entries of a person.
func (t tables) relist(was, is ledger.Listing) error {
	if err := replace(t.lists().Bucket(bucketSeen), was.Seen, is.Seen); err != nil {
		return err
	}
	return replace(t.lists().Bucket(bucketNickname), was.Nickname, is.Nickname)
}

// replace replaces an entry. "" is none.
func replace(b *bolt.Bucket, was, is string) error {
	if was != "" && was != is {
		if err := b.Delete([]byte(was)); err != nil {
			return err
		}
	}
	if is == "" || (is == was && has(b, is)) {
		return nil
	}
	return b.Put([]byte(is), nil)
}

// has reports whether a bucket has an entry without a value.
func has(b *bolt.Bucket, key string) bool {
	found, _ := b.Cursor().Seek([]byte(key))
	return string(found) == key
}
