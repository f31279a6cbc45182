package boltledger

import (
	"context"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Follow implements Ledger.
func (l *Ledger) Follow(ctx context.Context, f ledger.Following) (ledger.Person, error) {
	if err := l.ready(ctx); err != nil {
		return ledger.Person{}, err
	}
	f, err := f.Normal()
	if err != nil {
		return ledger.Person{}, err
	}
	var c ledger.Change
	nobody := false
	decide := func(tx *bolt.Tx) error {
		c = ledger.Change{}
		p, err := absent(tables{tx}.byOpenID(f.AppID, f.OpenID))
		if nobody = err == nil && p == nil; nobody || err != nil {
			return err // a stranger is not an error here, see Withdraw
		}
		c = f.Apply(p)
		return nil
	}
	// Read before writing: most pushes are about strangers.
	if err = l.file.view(decide); err == nil && c.Dirty {
		err = l.writer.run(func(tx *bolt.Tx) (bool, error) {
			if err := decide(tx); err != nil || !c.Dirty {
				return false, err
			}
			return true, tables{tx}.put(&c.Person)
		}, func() { l.publish(&c) })
	}
	switch {
	case err != nil:
		return ledger.Person{}, err
	case nobody:
		return ledger.Person{}, ledger.ErrNotFound
	}
	return c.Person, nil
}
