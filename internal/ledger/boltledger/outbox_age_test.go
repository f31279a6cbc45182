package boltledger

import (
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

// TestDeadForThirtyDays: dead letters are nobody's after thirty days, and go at
// the next occasion.
func TestDeadForThirtyDays(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	synctest.Test(t, func(t *testing.T) {
		b := testBolt(t, path)
		b.SetTargets([]ledger.Target{{Name: "crm"}})
		id := ledgertest.BuryOne(t, b)
		time.Sleep(ledger.DeadFor - time.Second)
		ledgertest.WantDead(t, b, 1)
		time.Sleep(2 * time.Second)
		ledgertest.WantDead(t, b, 0)
		for _, id := range []string{id, ""} {
			if n, err := b.Redeliver(t.Context(), "crm", id); n != 0 || err != nil {
				t.Errorf("%d put back, %v", n, err)
			}
		}
		mustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: "oA", SignedIn: true})
		if p, err := posted(b, "crm"); err != nil || len(p.Dead) != 0 {
			t.Errorf("%+v, %v", p, err)
		}
		b.Close()
	})
}

// TestExpire: dead letters of more than thirty days ago are removed from the
// file, without a new event, and no others.
func TestExpire(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	synctest.Test(t, func(t *testing.T) {
		b := testBolt(t, path)
		b.SetTargets([]ledger.Target{{Name: "crm"}})
		for range 150 { // more than two steps
			ledgertest.BuryOne(t, b)
		}
		time.Sleep(ledger.DeadFor - time.Second)
		for _, want := range []int{150, 0, 0} {
			if err := b.Expire(t.Context(), "crm"); err != nil {
				t.Fatal(err)
			}
			if p, err := posted(b, "crm"); err != nil || len(p.Dead) != want {
				t.Errorf("%d letters are left, %v; want %d", len(p.Dead), err, want)
			}
			time.Sleep(2 * time.Second)
		}
		b.Close()
	})
}

// TestOnceForADay: a key is remembered for a day, and then forgotten, in the
// file too.
func TestOnceForADay(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	synctest.Test(t, func(t *testing.T) {
		b := testBolt(t, path)
		mustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: "oA"})
		withdraw := func(key string, want bool) {
			t.Helper()
			_, done, err := b.Withdraw(t.Context(), ledger.Withdrawal{Key: key, Kind: ledger.Revoked, AppID: "wxA", OpenID: "oA"})
			if done != want || err != nil {
				t.Errorf("%v, %v, want %v", done, err, want)
			}
		}
		withdraw("a", true)
		time.Sleep(ledger.OnceFor - 2*time.Second)
		withdraw("a", false)
		time.Sleep(3 * time.Second)
		withdraw("a", true)
		for range 100 {
			withdraw(ledger.NewID(), true)
		}
		time.Sleep(2 * ledger.OnceFor)
		withdraw("b", true)
		withdraw("c", true)
		if err := b.file.view(func(tx *bolt.Tx) error {
			if n := tx.Bucket(bucketOnce).Stats().KeyN; n != 4 {
				t.Errorf("%d keys in the file, want two for each of two", n)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
		b.Close()
	})
}
