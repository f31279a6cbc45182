package boltledger

import (
	"errors"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// TestOldFile: a file of before there was an outbox, or of before sessions
// could be ended by person, is taken over; other files are still refused.
func TestOldFile(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	b := testBolt(t, path)
	p := mustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: "oA"})
	for _, missing := range [][][]byte{{bucketOutbox, bucketOnce}, {bucketOutbox, bucketOnce, bucketGone}} {
		err := b.file.db.Update(func(tx *bolt.Tx) (err error) {
			for _, name := range missing {
				err = errors.Join(err, tx.DeleteBucket(name))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		b.Close()
		b = testBolt(t, path)
		b.SetTargets([]ledger.Target{{Name: "crm"}})
		if q, err := b.Find(t.Context(), p.ID); err != nil || q.ID != p.ID {
			t.Errorf("%+v, %v", q, err)
		}
		if err := b.EndPerson(t.Context(), p.ID, time.Now(), time.Now().Add(time.Hour)); err != nil {
			t.Error(err)
		}
		mustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: "oA", SignedIn: true})
		if n, _, err := b.Waiting(t.Context(), "crm"); n != 1 || err != nil {
			t.Errorf("%d wait, %v", n, err)
		}
	}
}

// TestGonePruned: what no session can be as old as is forgotten, in memory at
// once and in the file little by little.
func TestGonePruned(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	b := testBolt(t, path)
	old := "abcdefghijklmnopqrstuvwxyz"
	err := b.file.db.Update(func(tx *bolt.Tx) error {
		_, err := tables{tx}.endPerson([]string{old}, ledger.PersonEnd{At: 5, Until: 9})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	b.gone.Add(old, ledger.PersonEnd{At: 5, Until: 9})
	if !b.PersonEnded(old).IsZero() {
		t.Error("a tombstone that is past still holds")
	}
	p := mustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: "oA"})
	if err := b.EndPerson(t.Context(), p.ID, time.Now(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	n := 0
	b.file.view(func(tx *bolt.Tx) error { n = tx.Bucket(bucketGone).Stats().KeyN; return nil })
	if n != 1 {
		t.Errorf("%d tombstones in the file, want 1", n)
	}
	for i := range 3 * swept {
		b.gone.Add(ledger.NewID(), ledger.PersonEnd{At: int64(i), Until: 9})
	}
	if n := len(b.gone.All()); n > swept {
		t.Errorf("%d tombstones in memory, all but one past", n)
	}
	err = b.file.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketGone).Put([]byte("x"), []byte("y")) })
	if err != nil {
		t.Fatal(err)
	}
	b.Close()
	if _, err := open(path, time.Second); !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("a bad tombstone: %v", err)
	}
}
