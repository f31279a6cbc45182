package redisledger

import (
	"context"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// scanStep is how many persons are read from Redis at once.
const scanStep = 256

// Erase implements Ledger.
func (l *Ledger) Erase(ctx context.Context, id string) error {
	_, err := l.eraseIf(ctx, id, func(*ledger.Person) bool { return true })
	return err
}

// eraseIf erases a person of whom a condition holds.
func (l *Ledger) eraseIf(ctx context.Context, id string, holds func(*ledger.Person) bool) (erased bool, err error) {
	if err := l.begin(ctx); err != nil {
		return false, err
	}
	defer l.work.Done()
	if !ledger.ValidID(id) {
		return false, ledger.ErrNotFound
	}
	var c ledger.Change
	err = l.rounds(ctx, func() (plan, error) {
		erased = false
		stamp, err := l.ends.loadBans(ctx)
		if err != nil {
			return plan{}, err
		}
		v, err := l.look(ctx, ledger.Query{ID: id})
		if err != nil {
			return plan{}, err
		}
		if v.id.person == nil {
			return plan{}, ledger.ErrNotFound
		}
		if !holds(v.id.person) {
			return plan{}, nil
		}
		erased = true
		c = ledger.Change{Person: *v.id.person, Dirty: true, News: true}
		b := newBatch()
		b.expectPerson(v.id)
		for _, name := range c.Person.Names() {
			b.remove(name.Table, name.Key)
		}
		b.announce(&c)
		if err := l.follow(b, stamp, &c.Person, true); err != nil {
			return plan{}, err
		}
		e := ledger.Erasure(&c.Person)
		if err := l.supersede(ctx, b, &c.Person, &e); err != nil {
			return plan{}, err
		}
		err = b.notify(&l.server, l.targets.Notices(&c.Person, e))
		b.tally(&l.server) // nothing that is left tells that it was this erasure
		return plan{batch: b, change: &c, erased: true, names: c.IDs()}, err
	}, l.wake)
	return erased && err == nil, err
}

// Export implements Ledger. It asks Redis, because the export must show the
// stored data.
func (l *Ledger) Export(ctx context.Context, id string) ([]byte, error) {
	p, err := l.lookUp(ctx, ledger.ValidID(id), ledger.Query{ID: id}, func(v *view) *ledger.Person { return v.id.person })
	if err != nil {
		return nil, err
	}
	return ledger.ExportPerson(&p, l.Banned(&p))
}

// Walk implements Ledger. It remembers the persons that it gave, 16 bytes each,
// because Redis may list a person twice.
func (l *Ledger) Walk(ctx context.Context, fn func(ledger.Person) error) error {
	given := map[[16]byte]bool{}
	for cursor := uint64(0); ; {
		some, next, err := l.scan(ctx, cursor)
		if err != nil {
			return err
		}
		for _, p := range some {
			raw, err := ledger.RawID(p.ID)
			if err != nil {
				return err
			}
			if given[raw] {
				continue
			}
			given[raw] = true
			if err := fn(p); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// scan reads some persons.
func (s *server) scan(ctx context.Context, cursor uint64) (some []ledger.Person, next uint64, err error) {
	if err := s.begin(ctx); err != nil {
		return nil, 0, err
	}
	defer s.work.Done()
	ctx, cancel := s.once(ctx)
	defer cancel()
	fields, next, err := s.Client.HScan(ctx, s.key("person"), cursor, "", scanStep).Result()
	if err != nil {
		return nil, 0, s.failed("walking", err)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		one, err := unstamp(fields[i], fields[i+1], func(*ledger.Person) bool { return true })
		if err != nil {
			return nil, 0, err
		}
		some = append(some, *one.person)
	}
	return some, next, nil
}

// Import implements Ledger.
func (l *Ledger) Import(ctx context.Context, p ledger.Person) error {
	if err := l.begin(ctx); err != nil {
		return err
	}
	defer l.work.Done()
	p, err := p.Normal()
	if err != nil {
		return err
	}
	c := ledger.Change{Person: p, Dirty: true, News: true}
	first := true
	return l.rounds(ctx, func() (plan, error) {
		b := newBatch()
		if first { // most persons are new here: one call
			first = false
			for _, name := range p.Names() {
				b.expect(name.Table, name.Key, "")
			}
		} else if add, err := l.succeed(ctx, b, &p); err != nil || !add {
			return plan{}, err
		}
		return plan{batch: b, change: &c, names: c.IDs()}, b.change(&c)
	}, func(int) {})
}

// succeed decides what a person of a file replaces, adds the condition that the
// holders of its names still have them, and removes the records that end.
func (s *server) succeed(ctx context.Context, b *batch, p *ledger.Person) (add bool, err error) {
	var holders []ledger.Holder
	for _, c := range p.Names() {
		found, err := s.holding(ctx, c.By)
		if err != nil {
			return false, err
		}
		if found.person == nil {
			b.expect(c.Table, c.Key, "")
			continue
		}
		b.expectPerson(found)
		switch {
		case c.Table == ledger.TablePerson && found.person.ID == c.Key:
		case c.Table == ledger.TablePerson, c.Table == ledger.TableAlias && found.person.ID == c.Key:
			b.expect(c.Table, c.Key, "")
		default:
			b.expectName(c.Table, c.Key, found)
		}
		holders = append(holders, ledger.Holder{Name: c, Person: found.person})
	}
	add, gone, err := p.Succeed(holders)
	for _, id := range gone {
		b.remove(ledger.TablePerson, id)
	}
	return add, err
}

// holding reads the person who has one name.
func (s *server) holding(ctx context.Context, q ledger.Query) (stamped, error) {
	v, err := s.look(ctx, q)
	switch {
	case q.ID != "":
		return v.id, err
	case q.OpenID != "":
		return v.openID, err
	default:
		return v.unionID, err
	}
}
