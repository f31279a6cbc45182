package boltledger

import (
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

func TestOutboxManyWaiting(t *testing.T) {
	b := testBolt(t, testPath(t))
	ledgertest.ManyWaiting(t, b, func(all []ledger.Notice) error {
		return b.writer.run(func(tx *bolt.Tx) (bool, error) { return tables{tx}.notify(all, b.limits.Bounds()) }, nil)
	})
	if err := b.Check(); err != nil {
		t.Error(err)
	}
}

func BenchmarkSeeSignedIn(b *testing.B) {
	ledgertest.BenchSeeSignedIn(b, func(b *testing.B) ledger.Ledger { l, _ := benchPerson(b); return l })
}
