package ledger

import (
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// check reports every contradiction in the file: bbolt's own, records that do not decode, names that lead nowhere or
// to another person, and names without an index.
func (b *Bolt) check() error {
	if err := b.checkOutbox(); err != nil {
		return err
	}
	return b.file.view(func(tx *bolt.Tx) error {
		var errs []error
		for err := range tx.Check() {
			errs = append(errs, err)
		}
		t := tables{tx}
		names := map[string]string{} // every index entry that the records call for
		errs = append(errs, tx.Bucket(bucketPerson).ForEach(func(k, _ []byte) error {
			p, err := t.load(string(k))
			if err != nil {
				return fmt.Errorf("person %s: %w", k, err)
			}
			return p.expectNames(names)
		}))
		for _, bucket := range [][]byte{bucketOpenID, bucketUnionID, bucketAlias} {
			errs = append(errs, tx.Bucket(bucket).ForEach(func(k, v []byte) error {
				key := string(bucket) + " " + string(k)
				if want := names[key]; want != string(v) {
					return fmt.Errorf("%q leads to %q, want %q", key, v, want)
				}
				delete(names, key)
				return nil
			}))
		}
		for key, id := range names {
			errs = append(errs, fmt.Errorf("%q of person %s has no index", key, id))
		}
		return errors.Join(errs...)
	})
}

// expectNames adds the index entries of one person, and refuses what two persons claim.
func (p *Person) expectNames(names map[string]string) error {
	claim := func(bucket []byte, key string) error {
		key = string(bucket) + " " + key
		if other, taken := names[key]; taken {
			return fmt.Errorf("%q belongs to %s and %s", key, other, p.ID)
		}
		names[key] = p.ID
		return nil
	}
	var errs []error
	apps := map[string]bool{}
	for _, a := range p.Accounts {
		if apps[a.AppID] {
			errs = append(errs, fmt.Errorf("person %s has two openids of %s", p.ID, a.AppID))
		}
		apps[a.AppID] = true
		errs = append(errs, claim(bucketOpenID, string(openIDKey(a.AppID, a.OpenID))))
	}
	for _, id := range p.Merged {
		errs = append(errs, claim(bucketAlias, id))
	}
	if p.UnionID != "" {
		errs = append(errs, claim(bucketUnionID, p.UnionID))
	} else if len(p.Accounts) == 0 {
		errs = append(errs, fmt.Errorf("person %s has no name left", p.ID))
	}
	return errors.Join(errs...)
}
