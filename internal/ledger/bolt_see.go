package ledger

import (
	"context"
	"errors"

	bolt "go.etcd.io/bbolt"
)

// See implements Ledger. It looks before it writes: most sightings are of somebody known and change nothing. One that is
// to be told of writes in any case.
func (b *Bolt) See(ctx context.Context, s Sighting) (Person, error) {
	if err := b.ready(ctx); err != nil {
		return Person{}, err
	}
	s, err := s.normal()
	if err != nil {
		return Person{}, err
	}
	c := change{dirty: s.SignedIn && len(b.targets.wanting(SignedIn)) > 0}
	if !c.dirty {
		err = b.file.view(func(tx *bolt.Tx) (err error) {
			c, err = tables{tx}.see(&s, func() (uint64, error) { return 0, nil })
			return err
		})
	}
	if err == nil && c.dirty {
		wrote := false
		err = b.writer.run(func(tx *bolt.Tx) (_ bool, err error) {
			t := tables{tx}
			if c, err = t.see(&s, t.order); err != nil { // decided again: others may have written since
				return false, err
			}
			if c.dirty {
				if err := t.write(&c); err != nil {
					return false, err
				}
			}
			wrote, err = t.notify(b.targets.notices(&c.person, c.events(&s)...), b.limits.bounds())
			return c.dirty || wrote, err
		}, func() {
			b.publish(&c)
			b.wake(wrote)
		})
	}
	if err != nil {
		return Person{}, err
	}
	c.report(b.Logger)
	return c.person, nil
}

// see decides what a sighting means.
func (t tables) see(s *Sighting, order func() (uint64, error)) (change, error) {
	byOpenID, err := absent(t.byOpenID(s.AppID, s.OpenID))
	if err != nil {
		return change{}, err
	}
	var byUnionID *Person
	if s.UnionID != "" && (byOpenID == nil || byOpenID.UnionID != s.UnionID) { // else it is the same person
		if byUnionID, err = absent(t.byUnionID(s.UnionID)); err != nil {
			return change{}, err
		}
	}
	return s.decide(byOpenID, byUnionID, order)
}

// absent turns "no such person" into nil.
func absent(p Person, err error) (*Person, error) {
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &p, nil
}

// publish tells the memory of a committed change: first the cache, then the generation, so that whoever reads the new
// generation cannot find the old person.
func (b *Bolt) publish(c *change) {
	if !c.dirty {
		return
	}
	b.cache.drop(&c.person)
	if c.left != nil {
		b.cache.drop(c.left)
	}
	if c.news {
		b.generation.Add(1)
	}
}
