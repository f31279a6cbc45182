package ledger

import (
	"context"
)

// Renew implements Ledger.
func (r *Redis) Renew(ctx context.Context, s Sighting) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.work.Done()
	s, err := s.normal()
	if err != nil {
		return err
	}
	return r.rounds(ctx, func() (plan, error) {
		v, err := r.look(ctx, query{appID: s.AppID, openID: s.OpenID})
		if err != nil {
			return plan{}, err
		}
		c, err := s.renew(v.openID.person)
		if err != nil || !c.dirty {
			return plan{}, err
		}
		b := newBatch()
		b.expectName(tableOpenID, string(openIDKey(s.AppID, s.OpenID)), v.openID)
		b.expectPerson(v.openID)
		b.announce(&c)
		return plan{batch: b, change: &c, names: c.ids()}, b.put(&c.person)
	}, func(int) {})
}
