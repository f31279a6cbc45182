package boltledger

import (
	"errors"
	"os"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

// BenchmarkMillion: docs/admin.md has the figures. It needs some 2 GB of disk.
func BenchmarkMillion(b *testing.B) {
	path := testPath(b)
	l := testBolt(b, path)
	ledgertest.BenchMillion(b, l)
	err := l.writer.run(func(tx *bolt.Tx) (bool, error) { return true, tx.Bucket(bucketMeta).DeleteBucket(bucketLists) }, nil)
	info, err2 := os.Stat(path)
	if err := errors.Join(err, err2, l.Close()); err != nil {
		b.Fatal(err)
	}
	begun := time.Now()
	l = testBolt(b, path)
	open := time.Since(begun)
	l.indexing.work.Wait()
	b.Logf("a file of before, with %d MB: opened after %v, indexed after %v",
		info.Size()>>20, open.Round(time.Millisecond), time.Since(begun).Round(time.Millisecond))
}
