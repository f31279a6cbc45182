package ledger

import (
	"testing"

	bolt "go.etcd.io/bbolt"
)

func TestOutboxManyWaiting(t *testing.T) {
	b := testBolt(t, testPath(t))
	testManyWaiting(t, b, func(all []notice) error {
		return b.writer.run(func(tx *bolt.Tx) (bool, error) { return tables{tx}.notify(all, b.limits.bounds()) }, nil)
	})
	if err := b.check(); err != nil {
		t.Error(err)
	}
}

func BenchmarkSeeSignedIn(b *testing.B) {
	benchSeeSignedIn(b, func(b *testing.B) Ledger { l, _ := benchPerson(b); return l })
}
