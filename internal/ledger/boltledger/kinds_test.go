package boltledger

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

// unpacked unpacks a file of testdata, and returns its path.
func unpacked(t *testing.T, name string) string {
	t.Helper()
	packed, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	in, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ledger.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// fixture is unpacked, with young dead letters.
func fixture(t *testing.T, name string) string {
	t.Helper()
	path := unpacked(t, name)
	buriedNow(t, path)
	return path
}

// buriedNow makes the dead letters of a file young: a fixture gets old.
func buriedNow(t *testing.T, path string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := time.Now().UnixMilli()
	err = db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketOutbox).Bucket([]byte("crm"))
		buried, ids := b.Bucket([]byte("buried")), b.Bucket([]byte("deadid"))
		keys := map[string][]byte{}
		err := ids.ForEach(func(id, key []byte) error {
			keys[string(id)] = bytes.Clone(key)
			return nil
		})
		for id, key := range keys {
			young := append(twoNumbers(now, 0)[:8], key[8:]...)
			err = errors.Join(err, buried.Put(young, bytes.Clone(buried.Get(key))), buried.Delete(key), ids.Put([]byte(id), young))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// flood tells of n declined sign-ins.
func flood(t *testing.T, l ledger.Ledger, n int) {
	t.Helper()
	for i := range n {
		if err := l.Tell(t.Context(), ledger.Event{Kind: ledger.Declined, AppID: fmt.Sprint("wxFlood", i), Reason: "wechat"}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFileOfBeforeKinds opens files that a gateway without bounds by kind wrote
// last; a gateway of today wrote one of them before that. A flood then pushes
// no event of another kind out.
func TestFileOfBeforeKinds(t *testing.T) {
	t.Parallel()
	for name, declined := range map[string]int{"outbox-before-kinds.db.gz": 12, "outbox-kinds-then-before.db.gz": 15} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := fixture(t, name)
			b := testBolt(t, path)
			if err := b.Check(); err != nil {
				t.Fatalf("opened: %v", err)
			}
			before, err := posted(b, "crm")
			if err != nil {
				t.Fatal(err)
			}
			all := maps.Clone(before.Waiting)
			maps.Copy(all, before.Dead)
			b.SetTargets([]ledger.Target{{Name: "crm"}})
			b.Limit(5, 3)
			flood(t, b, 40)
			if err := b.Check(); err != nil {
				t.Errorf("after the flood: %v", err)
			}
			p, err := posted(b, "crm")
			if err != nil {
				t.Fatal(err)
			}
			if n := ledgertest.NumbersOf(p.Waiting)[ledger.Declined]; n != declined {
				t.Errorf("%d declined wait, want as many as before, %d", n, declined)
			}
			if n := ledgertest.NumbersOf(p.Dead)[ledger.Declined]; n != 3 {
				t.Errorf("%d declined are dead, want 3", n)
			}
			for id, d := range all {
				if _, waits := p.Waiting[id]; !waits && d.Kind != ledger.Declined {
					if _, dead := p.Dead[id]; !dead {
						t.Errorf("an event of the kind %s is gone", d.Kind)
					}
				}
			}
		})
	}
}

// TestKindsAreMadeOnce: opening a file whose indexes are up to date writes
// nothing.
func TestKindsAreMadeOnce(t *testing.T) {
	t.Parallel()
	path := fixture(t, "outbox-before-kinds.db.gz")
	var txs []int
	for range 3 {
		b := testBolt(t, path)
		ledgertest.Indexed(t, b) // in the background, once
		tx, err := b.file.db.Begin(false)
		if err != nil {
			t.Fatal(err)
		}
		txs = append(txs, tx.ID())
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	if txs[0] != txs[1] || txs[1] != txs[2] {
		t.Errorf("opening writes: transactions %v", txs)
	}
}

// TestIndexThatLeadsNowhere: an index member without an event is dropped, and
// no event is given up because of it.
func TestIndexThatLeadsNowhere(t *testing.T) {
	t.Parallel()
	b := testBolt(t, testPath(t))
	b.SetTargets([]ledger.Target{{Name: "crm"}})
	flood(t, b, 3)
	if err := strand(b, "crm", 1, 2); err != nil {
		t.Fatal(err)
	}
	b.Limit(3, 3)
	flood(t, b, 2)
	if err := b.Check(); err != nil {
		t.Error(err)
	}
	if waiting, dead, err := b.Waiting(t.Context(), "crm"); waiting != 3 || dead != 0 || err != nil {
		t.Errorf("%d wait, %d dead, %v; want 3 and 0", waiting, dead, err)
	}
}
