package boltledger

import (
	"bytes"
	"context"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Readable returns an error if the file cannot be read now. Error:
// ErrUnavailable.
func (l *Ledger) Readable(ctx context.Context) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	return l.file.view(func(tx *bolt.Tx) error {
		if meta := tx.Bucket(bucketMeta); meta == nil || !bytes.Equal(meta.Get(keySchema), schema) {
			return ledger.Corrupt("the file is not a ledger any more")
		}
		return nil
	})
}

// Writable returns an error if the file cannot be written now. It commits a
// transaction that changes nothing: like every commit it waits for the writes
// before it and for the disk, which a full, failing or read-only disk refuses.
// Error: ErrUnavailable.
func (l *Ledger) Writable(ctx context.Context) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	return l.writer.run(func(*bolt.Tx) (bool, error) { return true, nil }, nil)
}
