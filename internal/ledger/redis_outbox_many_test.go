package ledger

import (
	"errors"
	"testing"
)

func TestRedisOutboxManyWaiting(t *testing.T) {
	r := testRedis(t, shared.Standalone(t).Client(), "", nil)
	ManyWaiting(t, r, func(all []Notice) error {
		batch := newBatch()
		err := batch.notify(r, all)
		_, _, err2 := r.write(t.Context(), batch)
		return errors.Join(err, err2)
	})
	if err := r.check(); err != nil {
		t.Error(err)
	}
}

func BenchmarkRedisSeeSignedIn(b *testing.B) {
	BenchSeeSignedIn(b, func(b *testing.B) Ledger { r, _ := benchRedis(b); return r })
}
