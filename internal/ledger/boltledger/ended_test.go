package boltledger

import (
	"crypto/rand"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"
)

func tombstones(l *Ledger) (onDisk, inMemory int) {
	l.file.view(func(tx *bolt.Tx) error {
		onDisk = tx.Bucket(bucketEnded).Stats().KeyN
		return nil
	})
	return onDisk, len(l.ended.All())
}

// swept is how many tombstones there may be in memory before those that are
// past go.
const swept = 1024

func TestEndedUntil(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	synctest.Test(t, func(t *testing.T) {
		b := testBolt(t, path)
		id := [16]byte{7}
		end := func(until time.Duration) {
			if err := b.EndSession(t.Context(), id, time.Now().Add(until)); err != nil {
				t.Fatal(err)
			}
		}
		end(time.Hour + time.Millisecond)
		end(time.Minute) // an earlier end does not shorten it
		for _, c := range []struct {
			wait time.Duration
			want bool
		}{{0, true}, {2 * time.Minute, true}, {58 * time.Minute, true}, {time.Millisecond, true}, {time.Second, false}, {time.Hour, false}} {
			time.Sleep(c.wait) // rounded up: in force until the very end, and less than a second beyond it
			if got := b.Ended(id); got != c.want {
				t.Errorf("%v later: %v, want %v", c.wait, got, c.want)
			}
			b.Close()
			b = testBolt(t, path)
			if got := b.Ended(id); got != c.want {
				t.Errorf("%v later, reopened: %v, want %v", c.wait, got, c.want)
			}
		}
		far := time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)
		if err := b.EndSession(t.Context(), id, far); err != nil || !b.Ended(id) {
			t.Errorf("far future: %v", err)
		}
		b.Close()
		if b = testBolt(t, path); !b.Ended(id) {
			t.Error("far future: lost")
		}
		b.Close()
	})
}

// TestEndedIsBounded: what is past goes away by itself, in the file and in
// memory.
func TestEndedIsBounded(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	synctest.Test(t, func(t *testing.T) {
		b := testBolt(t, path)
		b.file.db.NoSync = true
		var id [16]byte
		for i := range 5000 { // one a second, each in force for 100 seconds
			rand.Read(id[:])
			if err := b.EndSession(t.Context(), id, time.Now().Add(100*time.Second)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			if i%1000 != 999 {
				continue
			}
			if disk, memory := tombstones(b); disk > 110 || memory > swept {
				t.Errorf("after %d: %d on disk, %d in memory", i+1, disk, memory)
			}
		}
		b.Close()
		b = testBolt(t, path)
		if _, memory := tombstones(b); memory > 101 {
			t.Errorf("reopened with %d in memory", memory)
		}
		b.Close()
	})
}
