package boltledger

import (
	"bytes"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// The buckets of the file.
var (
	bucketPerson  = []byte("person")  // id → record
	bucketOpenID  = []byte("openid")  // app id, NUL, openid → id
	bucketUnionID = []byte("unionid") // unionid → id
	bucketAlias   = []byte("alias")   // merged id → id
	bucketEnded   = []byte("ended")   // until (8 bytes, seconds, big-endian), session id (16 bytes) → nothing
	bucketGone    = []byte("gone")    // until (as in ended), person's id (26 bytes) → at (8 bytes, big-endian seconds)
	bucketMeta    = []byte("meta")    // schema → "1"; lists → see listindex.go
	bucketOutbox  = []byte("outbox")  // target → queue
	bucketOnce    = []byte("once")    // see once

	buckets = [][]byte{
		bucketPerson, bucketOpenID, bucketUnionID, bucketAlias, bucketEnded, bucketGone, bucketMeta, bucketOutbox, bucketOnce,
	}
	newBuckets = [][]byte{bucketGone, bucketOutbox, bucketOnce} // missing in older files

	keySchema = []byte("schema")
	schema    = []byte("1")
)

// bucketOf returns the bucket of a table.
func bucketOf(t ledger.Table) []byte {
	return [...][]byte{ledger.TablePerson: bucketPerson, ledger.TableOpenID: bucketOpenID, ledger.TableUnionID: bucketUnionID, ledger.TableAlias: bucketAlias}[t]
}

// tables is the ledger within one transaction.
type tables struct{ tx *bolt.Tx }

// prepare creates the buckets of a new file and refuses files that are not ours
// or come from a newer version. It reports whether it wrote anything.
func (t tables) prepare() (bool, error) {
	var found [][]byte
	err := t.tx.ForEach(func(name []byte, _ *bolt.Bucket) error {
		found = append(found, bytes.Clone(name))
		return nil
	})
	if err != nil {
		return false, err
	}
	if len(found) > 0 {
		return t.adopt(found)
	}
	for _, name := range buckets {
		if _, err := t.tx.CreateBucket(name); err != nil {
			return false, err
		}
	}
	if _, err := t.makeLists(true); err != nil {
		return false, err
	}
	return true, t.tx.Bucket(bucketMeta).Put(keySchema, schema)
}

// adopt accepts a file that is not new.
func (t tables) adopt(found [][]byte) (bool, error) {
	var missing [][]byte
	for _, want := range newBuckets {
		if !slices.ContainsFunc(found, func(name []byte) bool { return bytes.Equal(name, want) }) {
			missing = append(missing, want)
		}
	}
	if err := t.ours(append(found, missing...)); err != nil {
		return false, err
	}
	for _, name := range missing {
		if _, err := t.tx.CreateBucket(name); err != nil {
			return false, err
		}
	}
	listed, err := t.makeLists(false) // first: it asks which gateway wrote last
	if err != nil {
		return false, err
	}
	wrote, err := t.indexKinds()
	return wrote || listed || len(missing) > 0, err
}

// ours checks that a file that is not new is a ledger of this version: we must
// not write into another program's file.
func (t tables) ours(found [][]byte) error {
	slices.SortFunc(found, bytes.Compare)
	found = slices.DeleteFunc(found, func(name []byte) bool { return bytes.Equal(name, bucketBans) })
	want := slices.SortedFunc(slices.Values(buckets), bytes.Compare)
	if !slices.EqualFunc(found, want, bytes.Equal) {
		return ledger.Corrupt("the file's tables are not a ledger's")
	}
	if v := t.tx.Bucket(bucketMeta).Get(keySchema); !bytes.Equal(v, schema) {
		return ledger.Corrupt("the file has schema %.16q, this gateway knows %q", v, schema)
	}
	return nil
}

// byID returns the person with this id or alias. ErrNotFound.
func (t tables) byID(id string) (ledger.Person, error) {
	p, err := t.load(id)
	if err != nil {
		return ledger.Person{}, err
	}
	if p.ID != "" {
		return p, nil
	}
	alias := t.tx.Bucket(bucketAlias).Get([]byte(id))
	if alias == nil {
		return ledger.Person{}, ledger.ErrNotFound
	}
	return t.expect(string(alias), func(p *ledger.Person) bool { return slices.Contains(p.Merged, id) })
}

// byOpenID returns the person who has the openid. ErrNotFound.
func (t tables) byOpenID(appID, openID string) (ledger.Person, error) {
	id := t.tx.Bucket(bucketOpenID).Get(ledger.OpenIDKey(appID, openID))
	if id == nil {
		return ledger.Person{}, ledger.ErrNotFound
	}
	return t.expect(string(id), func(p *ledger.Person) bool { return p.Holds(appID, openID) })
}

// byUnionID returns the person with the unionid. ErrNotFound.
func (t tables) byUnionID(unionID string) (ledger.Person, error) {
	id := t.tx.Bucket(bucketUnionID).Get([]byte(unionID))
	if id == nil {
		return ledger.Person{}, ledger.ErrNotFound
	}
	return t.expect(string(id), func(p *ledger.Person) bool { return p.UnionID == unionID })
}

// expect loads the record an index points at. A record that is missing, or does
// not agree with the index, is ErrCorrupt: following the index would return
// another person.
func (t tables) expect(id string, agrees func(*ledger.Person) bool) (ledger.Person, error) {
	p, err := t.load(id)
	if err != nil {
		return ledger.Person{}, err
	}
	if p.ID == "" || !agrees(&p) {
		return ledger.Person{}, ledger.Corrupt("an index and the record it points at disagree")
	}
	return p, nil
}

// load reads one record; it returns the zero Person if there is none under this
// id.
func (t tables) load(id string) (ledger.Person, error) {
	data := t.tx.Bucket(bucketPerson).Get([]byte(id))
	if data == nil {
		return ledger.Person{}, nil
	}
	p, err := ledger.DecodePerson(data)
	if err != nil {
		return ledger.Person{}, err
	}
	if p.ID != id {
		return ledger.Person{}, ledger.Corrupt("a record stands under another person's id")
	}
	return p, nil
}

// order returns a new person's place in the order of creation.
func (t tables) order() (uint64, error) { return t.tx.Bucket(bucketPerson).NextSequence() }

// write writes a change: records first, then the indexes that lead to them.
func (t tables) write(c *ledger.Change) error {
	if c.Left != nil {
		if err := t.put(c.Left); err != nil {
			return err
		}
	}
	if err := t.put(&c.Person); err != nil {
		return err
	}
	if c.Gone != "" {
		if err := t.drop(c.Gone); err != nil {
			return err
		}
	}
	if !c.News { // only times changed: the indexes stay
		return nil
	}
	return t.index(&c.Person)
}

// index points every name of the person at it.
func (t tables) index(p *ledger.Person) error {
	id := []byte(p.ID)
	point := func(bucket, key []byte) error {
		b := t.tx.Bucket(bucket)
		if bytes.Equal(b.Get(key), id) {
			return nil
		}
		if err := b.Put(key, id); err != nil {
			return fmt.Errorf("writing the index %s: %w", bucket, err)
		}
		return nil
	}
	for _, a := range p.Accounts {
		if err := point(bucketOpenID, ledger.OpenIDKey(a.AppID, a.OpenID)); err != nil {
			return err
		}
	}
	for _, old := range p.Merged {
		if err := point(bucketAlias, []byte(old)); err != nil {
			return err
		}
	}
	if p.UnionID == "" {
		return nil
	}
	return point(bucketUnionID, []byte(p.UnionID))
}
