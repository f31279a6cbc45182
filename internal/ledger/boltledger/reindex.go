package boltledger

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

const (
	// indexRun is how many persons are read before their entries are written.
	// They are written in order, because entries in any order would touch, and
	// write, most pages of the index again and again. A run takes some 30 MB.
	indexRun = 100_000
	// indexStep is how many entries are written in one transaction, which all
	// other writes wait for.
	indexStep = 1000
	// indexRetry follows a failure of the disk.
	indexRetry = 10 * time.Second
)

// indexer builds the indexes of a file that an older gateway has written, while
// the gateway runs. What it has done is kept across a restart.
type indexer struct {
	l    *Ledger
	run  int // indexRun; less in tests
	seed maphash.Seed
	ctx  context.Context
}

// indexing is the goroutine of an indexer.
type indexing struct {
	stop context.CancelFunc // nil if it never ran
	work sync.WaitGroup
}

// startIndexing builds the indexes in the background, if they are not complete.
func (l *Ledger) startIndexing(run int) {
	complete := false
	err := l.file.view(func(tx *bolt.Tx) error { complete = tables{tx}.builtTo() == allPersons; return nil })
	if err == nil && complete {
		return
	}
	x := indexer{l: l, run: run, seed: maphash.MakeSeed()}
	x.ctx, l.indexing.stop = context.WithCancel(context.Background())
	l.indexing.work.Go(x.build)
}

// end stops it and waits for it.
func (i *indexing) end() {
	if i.stop != nil {
		i.stop()
	}
	i.work.Wait()
}

// indexedRecord is a record as it was read.
type indexedRecord struct {
	id  string
	sum uint64
}

// indexEntry is one entry that is to be written.
type indexEntry struct {
	bucket []byte
	key    string
	of     int // number of the record in the run
}

// build runs until the indexes are complete, or the ledger is closed.
func (x *indexer) build() {
	for {
		done, err := x.next()
		switch {
		case done, errors.Is(err, ledger.ErrClosed):
			return
		case err != nil:
			if !x.pause(indexRetry) { // the disk's failure is told where it stops a sign-in
				return
			}
		case x.ctx.Err() != nil:
			return
		}
	}
}

// next indexes one run of persons.
func (x *indexer) next() (done bool, err error) {
	var from string
	err = x.l.file.view(func(tx *bolt.Tx) error { from = tables{tx}.builtTo(); return nil })
	if err != nil || from == allPersons {
		return err == nil, err
	}
	records, entries, err := x.read(from)
	if err != nil || x.ctx.Err() != nil { // a run that was cut short does not reach the last person
		return false, err
	}
	slices.SortFunc(entries, func(a, b indexEntry) int {
		return cmp.Or(cmp.Compare(string(a.bucket), string(b.bucket)), cmp.Compare(a.key, b.key))
	})
	for step := range slices.Chunk(entries, indexStep) {
		begun := time.Now()
		err := x.l.writer.run(func(tx *bolt.Tx) (bool, error) { return tables{tx}.addEntries(x.seed, records, step) }, nil)
		if err != nil {
			return false, err
		}
		if !x.pause(time.Since(begun)) { // half of the disk's time is for visitors
			return false, nil
		}
	}
	to := allPersons
	if len(records) == x.run {
		to = records[len(records)-1].id
	}
	return false, x.l.writer.run(func(tx *bolt.Tx) (bool, error) { return true, tables{tx}.endRun(from, to) }, nil)
}

// read reads a run of persons behind an id. It skips records that cannot be
// read: Verify reports them.
func (x *indexer) read(from string) (records []indexedRecord, entries []indexEntry, err error) {
	for len(records) < x.run && x.ctx.Err() == nil {
		n := len(records)
		err := x.l.file.view(func(tx *bolt.Tx) error {
			c := tx.Bucket(bucketPerson).Cursor()
			for key, value := seekBehind(c, from); key != nil && len(records) < min(x.run, n+walkStep); key, value = c.Next() {
				from = string(key)
				records = append(records, indexedRecord{from, maphash.Bytes(x.seed, value)})
				p, err := ledger.DecodePerson(value)
				if err != nil || p.ID != from {
					continue
				}
				listing := p.Listing()
				entries = append(entries, indexEntry{bucketSeen, listing.Seen, len(records) - 1})
				if listing.Nickname != "" {
					entries = append(entries, indexEntry{bucketNickname, listing.Nickname, len(records) - 1})
				}
			}
			return nil
		})
		if err != nil || len(records) == n {
			return records, entries, err
		}
	}
	return records, entries, nil
}

// seekBehind returns the first entry behind a key.
func seekBehind(c *bolt.Cursor, after string) (key, value []byte) {
	key, value = c.Seek([]byte(after))
	if key != nil && string(key) == after {
		return c.Next()
	}
	return key, value
}

// addEntries writes entries of records that have not changed since they were
// read. Who changed a record has written its entries.
func (t tables) addEntries(seed maphash.Seed, records []indexedRecord, step []indexEntry) (bool, error) {
	persons, lists := t.tx.Bucket(bucketPerson), t.lists()
	for _, e := range step {
		r := records[e.of]
		if value := persons.Get([]byte(r.id)); value == nil || maphash.Bytes(seed, value) != r.sum {
			continue
		}
		if err := lists.Bucket(e.bucket).Put([]byte(e.key), nil); err != nil {
			return false, err
		}
	}
	return true, nil
}

// endRun counts the persons between two ids, the second one included, and
// records that they are indexed.
func (t tables) endRun(from, to string) error {
	n := 0
	c := t.tx.Bucket(bucketPerson).Cursor()
	for key, _ := seekBehind(c, from); key != nil && string(key) <= to; key, _ = c.Next() {
		n++
	}
	return t.advance(to, n)
}

// pause waits, and reports whether to go on.
func (x *indexer) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-x.ctx.Done():
		return false
	}
}
