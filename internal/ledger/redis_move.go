package ledger

import "context"

// scanStep is how many persons Redis is asked for at once.
const scanStep = 256

// Erase implements Ledger.
func (r *Redis) Erase(ctx context.Context, id string) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.work.Done()
	if !validID(id) {
		return ErrNotFound
	}
	var c change
	return r.rounds(ctx, func() (plan, error) {
		v, err := r.look(ctx, query{id: id})
		if err != nil {
			return plan{}, err
		}
		if v.id.person == nil {
			return plan{}, ErrNotFound
		}
		c = change{person: *v.id.person, dirty: true, news: true}
		b := newBatch()
		b.expectPerson(v.id)
		for _, name := range c.person.claims() {
			b.remove(name.table, name.key)
		}
		b.announce(&c)
		err = b.notify(r, r.targets.notices(&c.person, erasure(&c.person)))
		return plan{batch: b, change: &c, erased: true, names: c.ids()}, err
	}, r.wake)
}

// Export implements Ledger. It asks Redis: what is given out must be what is kept.
func (r *Redis) Export(ctx context.Context, id string) ([]byte, error) {
	p, err := r.lookUp(ctx, validID(id), query{id: id}, func(v *view) *Person { return v.id.person })
	if err != nil {
		return nil, err
	}
	return export(&p)
}

// Walk implements Ledger. It remembers whom it gave, 16 bytes each: Redis may name somebody twice.
func (r *Redis) Walk(ctx context.Context, fn func(Person) error) error {
	given := map[[16]byte]bool{}
	for cursor := uint64(0); ; {
		some, next, err := r.scan(ctx, cursor)
		if err != nil {
			return err
		}
		for _, p := range some {
			raw, err := rawID(p.ID)
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
func (r *Redis) scan(ctx context.Context, cursor uint64) (some []Person, next uint64, err error) {
	if err := r.begin(ctx); err != nil {
		return nil, 0, err
	}
	defer r.work.Done()
	ctx, cancel := r.once(ctx)
	defer cancel()
	fields, next, err := r.Client.HScan(ctx, r.key("person"), cursor, "", scanStep).Result()
	if err != nil {
		return nil, 0, r.failed("walking", err)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		s, err := unstamp(fields[i], fields[i+1], func(*Person) bool { return true })
		if err != nil {
			return nil, 0, err
		}
		some = append(some, *s.person)
	}
	return some, next, nil
}

// Import implements Ledger.
func (r *Redis) Import(ctx context.Context, p Person) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.work.Done()
	p, err := p.normal()
	if err != nil {
		return err
	}
	c := change{person: p, dirty: true, news: true}
	first := true
	return r.rounds(ctx, func() (plan, error) {
		b := newBatch()
		if first { // most are strangers: one call
			first = false
			for _, name := range p.claims() {
				b.expect(name.table, name.key, "")
			}
		} else if add, err := r.succeed(ctx, b, &p); err != nil || !add {
			return plan{}, err
		}
		return plan{batch: b, change: &c, names: c.ids()}, b.change(&c)
	}, func(int) {})
}

// succeed decides what a person of a file is to those who have their names, makes it a condition that these still have
// them, and removes the records that end.
func (r *Redis) succeed(ctx context.Context, b *batch, p *Person) (add bool, err error) {
	var holders []holder
	for _, c := range p.claims() {
		s, err := r.holding(ctx, c.by)
		if err != nil {
			return false, err
		}
		if s.person == nil {
			b.expect(c.table, c.key, "")
			continue
		}
		b.expectPerson(s)
		switch {
		case c.table == tablePerson && s.person.ID == c.key:
		case c.table == tablePerson, c.table == tableAlias && s.person.ID == c.key:
			b.expect(c.table, c.key, "")
		default:
			b.expectName(c.table, c.key, s)
		}
		holders = append(holders, holder{c, s.person})
	}
	add, gone, err := p.succeed(holders)
	for _, id := range gone {
		b.remove(tablePerson, id)
	}
	return add, err
}

// holding reads who has one name.
func (r *Redis) holding(ctx context.Context, q query) (stamped, error) {
	v, err := r.look(ctx, q)
	switch {
	case q.id != "":
		return v.id, err
	case q.openID != "":
		return v.openID, err
	default:
		return v.unionID, err
	}
}
