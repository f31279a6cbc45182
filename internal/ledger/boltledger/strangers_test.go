package boltledger

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Withdrawals of people whom nobody knows, as when many followers leave who
// never signed in, do not have the writes beside them run again and again.
func TestStrangersHoldNobodyUp(t *testing.T) {
	t.Parallel()
	b := testBolt(t, testPath(t))
	begun, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() { // while it is at work, the others become one transaction
		err := b.writer.run(func(*bolt.Tx) (bool, error) {
			close(begun)
			<-release
			return false, nil
		}, nil)
		if err != nil {
			t.Error(err)
		}
	})
	<-begun
	const strangers = 100
	for i := range strangers {
		all.Go(func() {
			w := ledger.Withdrawal{Key: fmt.Sprint("k", i), Kind: ledger.Revoked, AppID: "wxA", OpenID: fmt.Sprint("o", i), At: time.Now(), Consent: true}
			if _, done, err := b.Withdraw(t.Context(), w); done || !errors.Is(err, ledger.ErrNotFound) {
				t.Errorf("a stranger: %v, %v", done, err)
			}
		})
	}
	runs := 0
	all.Go(func() {
		if err := b.writer.run(func(*bolt.Tx) (bool, error) { runs++; return true, nil }, nil); err != nil {
			t.Error(err)
		}
	})
	inTime(t, func() bool {
		b.writer.mu.Lock()
		defer b.writer.mu.Unlock()
		return len(b.writer.queue) == strangers+1
	})
	close(release)
	all.Wait()
	if runs != 1 {
		t.Errorf("a write beside them ran %d times", runs)
	}
}

// inTime waits for something that must come.
func inTime(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not in time")
		}
	}
}
