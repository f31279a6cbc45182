package boltledger

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// TestWriterIsolatesFailures: in one group, a part that fails or panics is
// answered with its own error and leaves nothing behind, and all others are
// kept.
func TestWriterIsolatesFailures(t *testing.T) {
	t.Parallel()
	b := testBolt(t, testPath(t))
	errBad := errors.New("bad")
	var group []*write
	var then atomic.Int32
	for i := range 30 {
		group = append(group, &write{
			do: func(tx *bolt.Tx) (bool, error) {
				if err := tx.Bucket(bucketAlias).Put(fmt.Append(nil, "key", i), []byte("x")); err != nil {
					return false, err
				}
				switch i % 10 {
				case 3:
					return true, errBad
				case 7:
					panic("worse")
				}
				return true, nil
			},
			then: func() { then.Add(1) },
			done: make(chan error, 1),
		})
	}
	b.writer.commit(slices.Clone(group))
	for i, job := range group {
		err, want := <-job.done, error(nil)
		switch i % 10 {
		case 3:
			want = errBad
		case 7:
			want = ledger.ErrCorrupt
		}
		if !errors.Is(err, want) {
			t.Errorf("part %d: %v, want %v", i, err, want)
		}
		b.file.view(func(tx *bolt.Tx) error {
			if kept := tx.Bucket(bucketAlias).Get(fmt.Append(nil, "key", i)) != nil; kept != (want == nil) {
				t.Errorf("part %d: kept = %v", i, kept)
			}
			return nil
		})
	}
	if then.Load() != 24 {
		t.Errorf("then ran %d times, want 24", then.Load())
	}
	if b.file.broken.Load() {
		t.Error("a panic of one part broke the file")
	}
}

// TestCloseFinishesWrites: whoever was told that a observation is kept finds it
// after a restart, also when Close came in between; whoever was not told gets
// ErrClosed, and nobody waits for ever.
func TestCloseFinishesWrites(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	b := testBolt(t, path)
	var wg sync.WaitGroup
	kept := make([]bool, 200)
	for i := range kept {
		wg.Go(func() {
			_, err := b.Observe(t.Context(), ledger.Observation{AppID: "wxA", OpenID: fmt.Sprint("o", i)})
			if kept[i] = err == nil; err != nil && !errors.Is(err, ledger.ErrClosed) {
				t.Error(err)
			}
			if i%50 == 20 {
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	again := testBolt(t, path)
	for i, ok := range kept {
		_, err := again.FindOpenID(t.Context(), "wxA", fmt.Sprint("o", i))
		if ok && err != nil {
			t.Errorf("observation %d was lost: %v", i, err)
		}
	}
	if err := again.Check(); err != nil {
		t.Error(err)
	}
}

// TestWritesShareTransactions: a thousand first sign-ins at once must not cost
// a thousand disk writes.
func TestWritesShareTransactions(t *testing.T) {
	t.Parallel()
	b := testBolt(t, testPath(t))
	txid := func() (id int) {
		b.file.view(func(tx *bolt.Tx) error { id = tx.ID(); return nil })
		return id
	}
	before := txid()
	var wg sync.WaitGroup
	for i := range 1000 {
		wg.Go(func() { mustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: fmt.Sprint("o", i)}) })
	}
	wg.Wait()
	if n := txid() - before; n > 500 {
		t.Errorf("%d transactions", n)
	} else {
		t.Logf("%d transactions", n)
	}
}
