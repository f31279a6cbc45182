package boltledger

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

// planted changes the file behind the ledger's back.
func planted(t *testing.T, b *Ledger, change func(tables) error) {
	t.Helper()
	if err := b.writer.run(func(tx *bolt.Tx) (bool, error) { return true, change(tables{tx}) }, nil); err != nil {
		t.Fatal(err)
	}
}

// TestVerifyFindsDamage: each kind of damage is found, and none is repaired.
func TestVerifyFindsDamage(t *testing.T) {
	t.Parallel()
	for _, p := range ledgertest.Plants() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			path := testPath(t)
			b := testBolt(t, path)
			a, other := p.Persons(t, b)
			planted(t, b, func(tx tables) error {
				p.In(func(table, key, value string) {
					bucket := tx.in(table)
					err := bucket.Delete([]byte(key))
					if err == nil && value == "x" {
						err = bucket.Put([]byte(key), nil)
					} else if err == nil && value != "" {
						err = bucket.Put([]byte(key), []byte(value))
					}
					if err != nil {
						t.Error(err)
					}
				}, func(id string) string { return string(tx.in("person").Get([]byte(id))) }, a, other)
				return nil
			})
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			p.Found(t, b, a, other)
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
				t.Errorf("Verify changed the file, %v", err)
			}
			p.Rebuilt(t, b, testBolt(t, testPath(t)), a, other)
		})
	}
}

// TestVerifyFindsAWrongCount: the stored number of persons is compared with the
// records.
func TestVerifyFindsAWrongCount(t *testing.T) {
	t.Parallel()
	b := testBolt(t, testPath(t))
	mustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: "oA"})
	planted(t, b, func(tx tables) error { return tx.advance(allPersons, 3) })
	want := []ledger.Problem{{Kind: ledger.WrongCount, In: "person", Detail: "4 instead of 1"}}
	if got, _ := ledgertest.Verified(t, b); !slices.Equal(got, want) {
		t.Errorf("found %+v, want %+v", got, want)
	}
}

// TestVerifyCursorTellsNothing: a cursor is a place in a table of openids, and
// shows none. One of another process is refused.
func TestVerifyCursorTellsNothing(t *testing.T) {
	t.Parallel()
	b, other := testBolt(t, testPath(t)), testBolt(t, testPath(t))
	place := verifyPlace{1, "wxA\x00oSecretSecret"}
	cursor := b.cursors.seal(place)
	if got, err := b.cursors.open(cursor); got != place || err != nil {
		t.Errorf("opened %+v, %v", got, err)
	}
	if bytes.Contains([]byte(cursor), []byte("Secret")) || b.cursors.seal(place) == cursor {
		t.Errorf("the cursor %q tells something", cursor)
	}
	if _, err := other.Verify(t.Context(), cursor); err == nil {
		t.Error("another process takes the cursor")
	}
}

// TestBackupWhileRunning: a copy that was made while persons sign in is a whole
// ledger, as it was at one moment.
func TestBackupWhileRunning(t *testing.T) {
	t.Parallel()
	b := testBolt(t, testPath(t))
	p := mustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "uA", Consent: true, Profile: &ledger.Profile{Nickname: "Alice"}})
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				mustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: "oMany" + ledger.NewID()})
			}
		}
	}()
	for i := range 5 {
		var copied bytes.Buffer
		size := int64(-1)
		if err := b.Backup(t.Context(), &copied, func(n int64) { size = n }); err != nil || size != int64(copied.Len()) {
			t.Fatalf("%d bytes of %d, %v", copied.Len(), size, err)
		}
		path := filepath.Join(t.TempDir(), "ledger.db")
		if err := os.WriteFile(path, copied.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		restored := testBolt(t, path)
		if q, err := restored.FindUnionID(t.Context(), "uA"); err != nil || q.ID != p.ID {
			t.Errorf("copy %d: %+v, %v", i, q, err)
		}
		if _, err := restored.Count(t.Context()); err != nil {
			t.Errorf("copy %d: its indexes are not taken for its own: %v", i, err)
		}
		if err := restored.Check(); err != nil {
			t.Errorf("copy %d: %v", i, err)
		}
	}
	close(stop)
	<-stopped
}
