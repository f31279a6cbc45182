package ledger

import (
	"testing"

	bolt "go.etcd.io/bbolt"
)

func TestOutboxManyWaiting(t *testing.T) {
	b := testBolt(t, testPath(t))
	ManyWaiting(t, b, func(all []Notice) error {
		return b.writer.run(func(tx *bolt.Tx) (bool, error) { return tables{tx}.notify(all, b.limits.Bounds()) }, nil)
	})
	if err := b.check(); err != nil {
		t.Error(err)
	}
}

func BenchmarkSeeSignedIn(b *testing.B) {
	BenchSeeSignedIn(b, func(b *testing.B) Ledger { l, _ := benchPerson(b); return l })
}
