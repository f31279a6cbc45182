package redisledger

import (
	"errors"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

func TestRedisOutboxManyWaiting(t *testing.T) {
	r := testRedis(t, shared.Standalone(t).Client(), "", nil)
	ledgertest.ManyWaiting(t, r, func(all []ledger.Notice) error {
		batch := newBatch()
		err := batch.notify(&r.server, all)
		_, _, err2 := r.write(t.Context(), batch)
		return errors.Join(err, err2)
	})
	if err := r.Check(); err != nil {
		t.Error(err)
	}
}

func BenchmarkRedisSeeSignedIn(b *testing.B) {
	ledgertest.BenchSeeSignedIn(b, func(b *testing.B) ledger.Ledger { r, _ := benchRedis(b); return r })
}
