package boltledger

import (
	"context"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// keyIdentity is the file's own id in the table meta.
var keyIdentity = []byte("identity")

// Identity implements ledger.Identified.
func (l *Ledger) Identity(ctx context.Context) (id string, err error) {
	if err := l.ready(ctx); err != nil {
		return "", err
	}
	read := func(tx *bolt.Tx) string { return string(tx.Bucket(bucketMeta).Get(keyIdentity)) }
	err = l.file.view(func(tx *bolt.Tx) error {
		id = read(tx)
		return nil
	})
	if err != nil || id != "" {
		return id, err
	}
	err = l.writer.run(func(tx *bolt.Tx) (bool, error) {
		if id = read(tx); id != "" { // another call was quicker
			return false, nil
		}
		id = ledger.NewID()
		return true, tx.Bucket(bucketMeta).Put(keyIdentity, []byte(id))
	}, nil)
	if err != nil {
		return "", err
	}
	return id, nil
}

var _ ledger.Identified = (*Ledger)(nil)
