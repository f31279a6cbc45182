package boltledger

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

// olderGateway changes the file as a gateway does that does not know the
// indexes.
func olderGateway(t *testing.T, path string, change func(tx tables)) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error { change(tables{tx}); return nil })
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// without removes the indexes, as in a file of before.
func without(t *testing.T) func(tables) {
	return func(tx tables) {
		if err := tx.tx.Bucket(bucketMeta).DeleteBucket(bucketLists); err != nil {
			t.Error(err)
		}
	}
}

// TestIndexOfAnOlderFile: a file of before gets its indexes while persons come,
// change and go, in any number of runs, and across restarts.
func TestIndexOfAnOlderFile(t *testing.T) {
	t.Parallel()
	for _, run := range []int{1, 7, 50, 1000} {
		t.Run(fmt.Sprint("runs of ", run), func(t *testing.T) {
			t.Parallel()
			path := testPath(t)
			b := testBolt(t, path)
			var wg sync.WaitGroup
			for i := range 300 {
				wg.Go(func() {
					mustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: fmt.Sprint("o", i), Consent: true, Profile: &ledger.Profile{Nickname: fmt.Sprint("n", i%3)}})
				})
			}
			wg.Wait()
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			olderGateway(t, path, without(t))
			for restarts := range 3 {
				b = openIndexing(t, path, run)
				for i := range 40 {
					wg.Go(func() { changeOne(t, b, 40*restarts+i) })
				}
				wg.Wait()
				if restarts == 2 {
					break
				}
				if err := b.Close(); err != nil {
					t.Fatal(err)
				}
			}
			ledgertest.Indexed(t, b)
			if err := b.Check(); err != nil {
				t.Error(err)
			}
			if problems, _ := ledgertest.Verified(t, b); len(problems) != 0 {
				t.Errorf("found %+v", problems)
			}
		})
	}
}

// TestIndexRunCutShort: a run that the end of the gateway cuts short is not the
// last one, or the lists would be short for good.
func TestIndexRunCutShort(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	b := testBolt(t, path)
	for i := range 20 {
		mustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: fmt.Sprint("o", i)})
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	olderGateway(t, path, without(t))
	b = openIndexing(t, path, 0)
	x := indexer{l: b, run: 1000, seed: maphash.MakeSeed()}
	ended, end := context.WithCancel(t.Context())
	end()
	x.ctx = ended
	if done, err := x.next(); done || err != nil {
		t.Fatalf("a run that was cut short: %v, %v", done, err)
	}
	if _, err := b.Count(t.Context()); !errors.Is(err, ledger.ErrIndexing) {
		t.Errorf("Count after it: %v, want ErrIndexing", err)
	}
	x.ctx = t.Context()
	for done := false; !done; {
		var err error
		if done, err = x.next(); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := b.Count(t.Context()); n != 20 || err != nil {
		t.Errorf("%d persons, %v, want 20", n, err)
	}
}

// openIndexing opens a file whose indexes are built in runs of so many persons,
// or not at all.
func openIndexing(t *testing.T, path string, run int) *Ledger {
	t.Helper()
	f, err := openFile(path, lockPatience)
	if err != nil {
		t.Fatal(err)
	}
	b := &Ledger{file: f, writer: newWriter(f)}
	if err := b.load(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	if run > 0 {
		b.startIndexing(run)
	}
	return b
}

// changeOne erases, renames or adds a person.
func changeOne(t *testing.T, b *Ledger, i int) {
	p := mustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: fmt.Sprint("o", 2*i), Consent: true, Profile: &ledger.Profile{Nickname: fmt.Sprint("new ", i)}})
	mustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: fmt.Sprint("oNew", i)})
	if i%3 == 0 {
		if err := b.Erase(t.Context(), p.ID); err != nil {
			t.Error(err)
		}
	}
}

// TestIndexAfterAnOlderGateway: what a gateway of before has changed meanwhile
// is noticed, and the indexes are built anew. One that changed nothing costs
// nothing.
func TestIndexAfterAnOlderGateway(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	b := testBolt(t, path)
	p := mustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: "oA", Consent: true, Profile: &ledger.Profile{Nickname: "Alice"}})
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = testBolt(t, path)
	if b.indexing.stop != nil {
		t.Error("indexes are built anew though no other gateway wrote")
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	olderGateway(t, path, func(tx tables) { // erases Alice, whose nickname it leaves
		for _, name := range p.Names() {
			if err := tx.tx.Bucket(bucketOf(name.Table)).Delete([]byte(name.Key)); err != nil {
				t.Error(err)
			}
		}
	})
	b = testBolt(t, path)
	ledgertest.Indexed(t, b)
	if n, err := b.Count(t.Context()); n != 0 || err != nil {
		t.Errorf("%d persons, %v, want none", n, err)
	}
	if err := b.Check(); err != nil {
		t.Errorf("the erased person's nickname stayed: %v", err)
	}
}

// TestNoListBeforeTheIndex: while the indexes are built, lists are refused and
// not short.
func TestNoListBeforeTheIndex(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	b := testBolt(t, path)
	mustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: "oA"})
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	olderGateway(t, path, without(t))
	f, err := openFile(path, lockPatience)
	if err != nil {
		t.Fatal(err)
	}
	b = &Ledger{file: f, writer: newWriter(f)}
	t.Cleanup(func() { _ = b.Close() })
	if err := b.load(); err != nil {
		t.Fatal(err)
	}
	_, _, errList := b.List(t.Context(), "", 1)
	_, errCount := b.Count(t.Context())
	_, errName := b.FindNickname(t.Context(), "a", 1)
	_, errVerify := b.Verify(t.Context(), "")
	for name, err := range map[string]error{"List": errList, "Count": errCount, "FindNickname": errName, "Verify": errVerify} {
		if !errors.Is(err, ledger.ErrIndexing) || !errors.Is(err, ledger.ErrUnavailable) {
			t.Errorf("%s: %v, want ErrIndexing", name, err)
		}
	}
	if _, err := b.FindOpenID(t.Context(), "wxA", "oA"); err != nil {
		t.Errorf("sign-ins do not wait: %v", err)
	}
}
