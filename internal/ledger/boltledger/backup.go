package boltledger

import (
	"context"
	"io"

	bolt "go.etcd.io/bbolt"
)

// Backup writes a copy of the whole file, as it is at one moment, while the
// ledger is used. begin is called with the size before anything is written. A
// write that must make the memory map larger waits until the copy is written,
// so w must not wait for long. Errors: ErrUnavailable, and those of w, wrapped
// in it.
func (l *Ledger) Backup(ctx context.Context, w io.Writer, begin func(size int64)) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	return l.file.view(func(tx *bolt.Tx) error {
		begin(tx.Size())
		_, err := tx.WriteTo(w)
		return err
	})
}
