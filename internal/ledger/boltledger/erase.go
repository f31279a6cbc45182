package boltledger

import (
	"context"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// EndPerson implements Ledger.
func (b *Bolt) EndPerson(ctx context.Context, person string, at, until time.Time) error {
	if err := b.ready(ctx); err != nil {
		return err
	}
	if !ledger.ValidID(person) {
		return ledger.ErrNotFound
	}
	e, ok := ledger.NewPersonEnd(at, until)
	if !ok {
		return nil
	}
	b.gone.Add(person, e) // first: here and now the sessions are over, whatever the disk says
	ids := []string{person}
	err := b.writer.run(func(tx *bolt.Tx) (bool, error) {
		p, err := absent(tables{tx}.byID(person))
		if err != nil {
			return false, err
		}
		ids = []string{person}
		if p != nil {
			ids = p.IDs()
		}
		return tables{tx}.endPerson(ids, e)
	}, func() {
		for _, id := range ids {
			b.gone.Add(id, e)
		}
	})
	return b.unwritten.Note(err, e.At, ids...)
}

// PersonEnded implements Ledger.
func (b *Bolt) PersonEnded(person string) time.Time { return b.gone.Has(person, b.Logger) }

// Erase implements Ledger. See the package's documentation on what the file still holds.
func (b *Bolt) Erase(ctx context.Context, id string) error {
	if err := b.ready(ctx); err != nil {
		return err
	}
	if !ledger.ValidID(id) {
		return ledger.ErrNotFound
	}
	var p ledger.Person
	wrote := false
	return b.writer.run(func(tx *bolt.Tx) (_ bool, err error) {
		t := tables{tx}
		if p, err = t.byID(id); err != nil {
			return false, err
		}
		if err := t.erase(&p); err != nil {
			return false, err
		}
		wrote, err = t.notify(b.targets.Notices(&p, ledger.Erasure(&p)), b.limits.Bounds())
		return true, err
	}, func() {
		b.publish(&ledger.Change{Person: p, Dirty: true, News: true})
		b.wake(wrote)
	})
}

// Export implements Ledger.
func (b *Bolt) Export(ctx context.Context, id string) ([]byte, error) {
	p, err := b.Find(ctx, id)
	if err != nil {
		return nil, err
	}
	return ledger.ExportPerson(&p)
}

// erase removes the record and every name that leads to it.
func (t tables) erase(p *ledger.Person) error {
	for _, c := range p.Names() {
		if err := t.tx.Bucket(bucketOf(c.Table)).Delete([]byte(c.Key)); err != nil {
			return err
		}
	}
	return nil
}

// Unwritten implements Ledger.
func (b *Bolt) Unwritten(id [16]byte, person string) bool { return b.unwritten.Has(id, person) }
