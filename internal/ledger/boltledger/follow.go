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
	err = l.writer.run(func(tx *bolt.Tx) (bool, error) {
		c = ledger.Change{}
		t := tables{tx}
		p, err := absent(t.byOpenID(f.AppID, f.OpenID))
		if nobody = err == nil && p == nil; nobody || err != nil {
			return false, err // a stranger is not an error here, see Withdraw
		}
		if c = f.Apply(p); !c.Dirty {
			return false, nil
		}
		return true, t.put(&c.Person)
	}, func() { l.publish(&c) })
	switch {
	case err != nil:
		return ledger.Person{}, err
	case nobody:
		return ledger.Person{}, ledger.ErrNotFound
	}
	return c.Person, nil
}
