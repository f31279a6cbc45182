package ledger

import (
	"context"
	"time"

	bolt "go.etcd.io/bbolt"
)

// EndPerson implements Ledger.
func (b *Bolt) EndPerson(ctx context.Context, person string, at, until time.Time) error {
	if err := b.ready(ctx); err != nil {
		return err
	}
	if !validID(person) {
		return ErrNotFound
	}
	e, ok := goneTimes(at, until)
	if !ok {
		return nil
	}
	b.gone.add(person, e) // first: here and now the sessions are over, whatever the disk says
	ids := []string{person}
	err := b.writer.run(func(tx *bolt.Tx) (bool, error) {
		p, err := absent(tables{tx}.byID(person))
		if err != nil {
			return false, err
		}
		ids = []string{person}
		if p != nil {
			ids = p.allIDs()
		}
		return tables{tx}.endPerson(ids, e)
	}, func() {
		for _, id := range ids {
			b.gone.add(id, e)
		}
	})
	return b.unwritten.note(err, e.at, ids...)
}

// PersonEnded implements Ledger.
func (b *Bolt) PersonEnded(person string) time.Time { return b.gone.has(person, b.Logger) }

// Erase implements Ledger. See the package's documentation on what the file still holds.
func (b *Bolt) Erase(ctx context.Context, id string) error {
	if err := b.ready(ctx); err != nil {
		return err
	}
	if !validID(id) {
		return ErrNotFound
	}
	var p Person
	wrote := false
	return b.writer.run(func(tx *bolt.Tx) (_ bool, err error) {
		t := tables{tx}
		if p, err = t.byID(id); err != nil {
			return false, err
		}
		if err := t.erase(&p); err != nil {
			return false, err
		}
		wrote, err = t.notify(b.targets.notices(&p, erasure(&p)), b.limits.bounds())
		return true, err
	}, func() {
		b.publish(&change{person: p, dirty: true, news: true})
		b.wake(wrote)
	})
}

// Export implements Ledger.
func (b *Bolt) Export(ctx context.Context, id string) ([]byte, error) {
	p, err := b.Find(ctx, id)
	if err != nil {
		return nil, err
	}
	return export(&p)
}

// erase removes the record and every name that leads to it.
func (t tables) erase(p *Person) error {
	for _, c := range p.claims() {
		if err := t.tx.Bucket(c.table.bucket()).Delete([]byte(c.key)); err != nil {
			return err
		}
	}
	return nil
}

// Unwritten implements Ledger.
func (b *Bolt) Unwritten(id [16]byte, person string) bool { return b.unwritten.has(id, person) }
