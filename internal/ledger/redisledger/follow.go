package redisledger

import (
	"context"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Follow implements Ledger. It reaches other instances within Stale.
func (l *Ledger) Follow(ctx context.Context, f ledger.Following) (ledger.Person, error) {
	if err := l.begin(ctx); err != nil {
		return ledger.Person{}, err
	}
	defer l.work.Done()
	f, err := f.Normal()
	if err != nil {
		return ledger.Person{}, err
	}
	var c ledger.Change
	err = l.rounds(ctx, func() (plan, error) {
		v, err := l.look(ctx, ledger.Query{AppID: f.AppID, OpenID: f.OpenID})
		if err != nil {
			return plan{}, err
		}
		if v.openID.person == nil {
			return plan{}, ledger.ErrNotFound
		}
		if c = f.Apply(v.openID.person); !c.Dirty {
			return plan{}, nil
		}
		b := newBatch()
		b.expectName(ledger.TableOpenID, string(ledger.OpenIDKey(f.AppID, f.OpenID)), v.openID)
		b.expectPerson(v.openID)
		b.announce(&c)
		return plan{batch: b, change: &c, names: c.IDs()}, b.put(&c.Person)
	}, func(int) {})
	if err != nil {
		return ledger.Person{}, err
	}
	return c.Person.Clone(), nil
}
