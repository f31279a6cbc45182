package boltledger

import (
	"context"
	"errors"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Observe implements Ledger. It reads before it writes: most observations are
// of a known person and change nothing. An observation whose event a target
// wants writes in any case.
func (l *Ledger) Observe(ctx context.Context, s ledger.Observation) (ledger.Person, error) {
	if err := l.ready(ctx); err != nil {
		return ledger.Person{}, err
	}
	s, err := s.Normal()
	if err != nil {
		return ledger.Person{}, err
	}
	c := ledger.Change{Dirty: s.SignedIn && len(l.targets.Wanting(ledger.SignedIn)) > 0}
	if !c.Dirty {
		err = l.file.view(func(tx *bolt.Tx) (err error) {
			c, err = tables{tx}.see(&s, func() (uint64, error) { return 0, nil })
			return err
		})
	}
	if err == nil && c.Dirty {
		wrote := false
		err = l.writer.run(func(tx *bolt.Tx) (_ bool, err error) {
			t := tables{tx}
			if c, err = t.see(&s, t.order); err != nil { // decide again: other calls may have written since
				return false, err
			}
			if c.Dirty {
				if err := t.write(&c); err != nil {
					return false, err
				}
			}
			wrote, err = t.notify(l.targets.Notices(&c.Person, c.Events(&s)...), l.limits.Bounds())
			return c.Dirty || wrote, err
		}, func() {
			l.publish(&c)
			l.wake(wrote)
		})
	}
	if err != nil {
		return ledger.Person{}, err
	}
	c.Report(l.Logger)
	return c.Person, nil
}

// see decides what an observation changes.
func (t tables) see(s *ledger.Observation, order func() (uint64, error)) (ledger.Change, error) {
	byOpenID, err := absent(t.byOpenID(s.AppID, s.OpenID))
	if err != nil {
		return ledger.Change{}, err
	}
	var byUnionID *ledger.Person
	if s.UnionID != "" && (byOpenID == nil || byOpenID.UnionID != s.UnionID) { // else both names lead to one person
		if byUnionID, err = absent(t.byUnionID(s.UnionID)); err != nil {
			return ledger.Change{}, err
		}
	}
	return s.Decide(byOpenID, byUnionID, order)
}

// absent turns "no such person" into nil.
func absent(p ledger.Person, err error) (*ledger.Person, error) {
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &p, nil
}

// publish updates the memory after a commit: first the cache, then the
// generation, so that a reader of the new generation cannot find the old
// person.
func (l *Ledger) publish(c *ledger.Change) {
	if !c.Dirty {
		return
	}
	l.cache.drop(&c.Person)
	if c.Left != nil {
		l.cache.drop(c.Left)
	}
	if c.News {
		l.generation.Add(1)
	}
}
