package boltledger

import (
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

// Check reports every contradiction in the file: bbolt's own, records that do
// not decode, names that lead nowhere or to another person, and names without
// an index.
func (l *Ledger) Check() error {
	l.indexing.work.Wait() // bbolt's check takes pages of a running write for lost ones
	if err := checkOutbox(l); err != nil {
		return err
	}
	return l.file.view(func(tx *bolt.Tx) error {
		var errs []error
		for err := range tx.Check() {
			errs = append(errs, err)
		}
		t := tables{tx}
		names := ledgertest.NameIndex{}
		errs = append(errs, tx.Bucket(bucketPerson).ForEach(func(k, _ []byte) error {
			p, err := t.load(string(k))
			if err != nil {
				return fmt.Errorf("person %s: %w", k, err)
			}
			return names.Expect(&p)
		}))
		for _, bucket := range [][]byte{bucketOpenID, bucketUnionID, bucketAlias} {
			errs = append(errs, tx.Bucket(bucket).ForEach(func(k, v []byte) error {
				return names.Found(string(bucket), string(k), string(v))
			}))
		}
		return errors.Join(append(errs, names.Missing(), checkLists(t))...)
	})
}

// checkLists reports what the indexes of lists have too much or too little. They
// may still be built.
func checkLists(t tables) error {
	if t.builtTo() != allPersons {
		return nil
	}
	var want, got ledgertest.Listings
	errs := []error{t.tx.Bucket(bucketPerson).ForEach(func(k, _ []byte) error {
		p, err := t.load(string(k))
		want.Add(&p)
		return err
	})}
	for _, name := range [][]byte{bucketSeen, bucketNickname} {
		errs = append(errs, t.lists().Bucket(name).ForEach(func(k, _ []byte) error {
			got = append(got, string(k))
			return nil
		}))
	}
	if n := t.tx.Bucket(bucketPerson).Stats().KeyN; n != t.counted() {
		errs = append(errs, fmt.Errorf("%d persons, counted %d", n, t.counted()))
	}
	return errors.Join(append(errs, want.Differ(got))...)
}
