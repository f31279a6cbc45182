package redisledger

import (
	"context"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Renew implements Ledger.
func (r *Redis) Renew(ctx context.Context, s ledger.Sighting) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.work.Done()
	s, err := s.Normal()
	if err != nil {
		return err
	}
	return r.rounds(ctx, func() (plan, error) {
		v, err := r.look(ctx, ledger.Query{AppID: s.AppID, OpenID: s.OpenID})
		if err != nil {
			return plan{}, err
		}
		c, err := s.Renew(v.openID.person)
		if err != nil || !c.Dirty {
			return plan{}, err
		}
		b := newBatch()
		b.expectName(ledger.TableOpenID, string(ledger.OpenIDKey(s.AppID, s.OpenID)), v.openID)
		b.expectPerson(v.openID)
		b.announce(&c)
		return plan{batch: b, change: &c, names: c.IDs()}, b.put(&c.Person)
	}, func(int) {})
}
