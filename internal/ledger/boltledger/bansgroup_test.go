package boltledger

import (
	"context"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

// inOneTransaction carries out calls in one transaction, in this order: the
// writer is busy until all of them wait.
func inOneTransaction(t *testing.T, b *Ledger, calls ...func(context.Context) error) {
	t.Helper()
	begun, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = b.writer.run(func(*bolt.Tx) (bool, error) { close(begun); <-release; return false, nil }, nil)
	})
	<-begun
	for i, call := range calls {
		wg.Go(func() {
			if err := call(t.Context()); err != nil {
				t.Errorf("call %d: %v", i, err)
			}
		})
		for waiting := 0; waiting <= i; time.Sleep(time.Millisecond) {
			b.writer.mu.Lock()
			waiting = len(b.writer.queue)
			b.writer.mu.Unlock()
		}
	}
	close(release)
	wg.Wait()
}

// Attack: a banned person, who has got more openids since, ends the WeChat
// account. WeChat withdraws all openids at the same moment, and the person
// comes back with any of them.
func TestBanFollowsAllNamesOfOneTransaction(t *testing.T) {
	t.Parallel()
	withdraw := func(b *Ledger, appID, openID string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, _, err := b.Withdraw(ctx, ledger.Withdrawal{Kind: ledger.Cancelled, AppID: appID, OpenID: openID, Account: true})
			return err
		}
	}
	for _, last := range []string{"an openid is withdrawn", "the person is erased"} {
		t.Run(last, func(t *testing.T) {
			t.Parallel()
			path := testPath(t)
			b := testBolt(t, path)
			p := ledgertest.MustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u"})
			if err := b.Ban(t.Context(), p.ID, time.Now()); err != nil {
				t.Fatal(err)
			}
			for _, app := range []string{"B", "C", "D"} {
				ledgertest.MustSee(t, b, ledger.Observation{AppID: "wx" + app, OpenID: "o" + app, UnionID: "u"})
			}
			calls := []func(context.Context) error{withdraw(b, "wxB", "oB"), withdraw(b, "wxC", "oC")}
			if last == "the person is erased" {
				calls = append(calls, func(ctx context.Context) error { return b.Erase(ctx, p.ID) })
			}
			inOneTransaction(t, b, calls...)
			check := func(when string, b *Ledger) {
				t.Helper()
				for _, app := range []string{"A", "B", "C"} {
					if !b.Banned(&ledger.Person{Accounts: []ledger.Account{{AppID: "wx" + app, OpenID: "o" + app}}}) {
						t.Errorf("%s the openid of wx%s is not banned", when, app)
					}
				}
				all, err := b.ListBans(t.Context())
				if err != nil || len(all) != 1 || (all[0].Person == "") != (len(calls) == 3) {
					t.Errorf("%s the bans are %+v, %v", when, all, err)
				}
			}
			check("at once", b)
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			check("after a restart", testBolt(t, path))
		})
	}
}
