package redisledger

import (
	"context"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Renew implements Ledger.
func (l *Ledger) Renew(ctx context.Context, s ledger.Observation) error {
	if err := l.begin(ctx); err != nil {
		return err
	}
	defer l.work.Done()
	s, err := s.Normal()
	if err != nil {
		return err
	}
	return l.rounds(ctx, func() (plan, error) {
		v, err := l.look(ctx, ledger.Query{AppID: s.AppID, OpenID: s.OpenID})
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
