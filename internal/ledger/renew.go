package ledger

import (
	"context"

	bolt "go.etcd.io/bbolt"
)

// renew works out what an answer about somebody who was not there does; ok is false if nobody may hear it any more.
func (s *Sighting) renew(p *Person) (c change, ok bool) {
	i := p.account(s.AppID, s.OpenID)
	if i < 0 || p.Accounts[i].ConsentAt.IsZero() {
		return change{}, false
	}
	c = change{person: p.clone()}
	q := &c.person
	c.news = q.take(s.Profile, s.At)
	if s.Profile != nil {
		q.ProfileAt, c.dirty = later(q.ProfileAt, s.At), true
	}
	c.dirty = q.Accounts[i].takeSealed(s) || c.dirty
	if c.news {
		q.Version++
	}
	return c, true
}

// Renew implements Ledger.
func (b *Bolt) Renew(ctx context.Context, s Sighting) error {
	if err := b.ready(ctx); err != nil {
		return err
	}
	s, err := s.normal()
	if err != nil {
		return err
	}
	var c change
	return b.writer.run(func(tx *bolt.Tx) (bool, error) {
		t := tables{tx}
		p, err := t.byOpenID(s.AppID, s.OpenID)
		if err != nil {
			return false, err
		}
		var ok bool
		if c, ok = s.renew(&p); !ok {
			return false, ErrNotFound
		}
		if !c.dirty {
			return false, nil
		}
		return true, t.put(&c.person)
	}, func() { b.publish(&c) })
}

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
		if v.openID.person == nil {
			return plan{}, ErrNotFound
		}
		c, ok := s.renew(v.openID.person)
		if !ok {
			return plan{}, ErrNotFound
		}
		if !c.dirty {
			return plan{}, nil
		}
		b := newBatch()
		b.expectName(tableOpenID, string(openIDKey(s.AppID, s.OpenID)), v.openID)
		b.expectPerson(v.openID)
		b.announce(&c)
		return plan{batch: b, change: &c, names: c.ids()}, b.put(&c.person)
	}, func(int) {})
}
