package boltledger

import (
	"context"
	"errors"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// EndPerson implements Ledger.
func (l *Ledger) EndPerson(ctx context.Context, person string, at, until time.Time) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	if !ledger.ValidID(person) {
		return ledger.ErrNotFound
	}
	e, ok := ledger.NewPersonEnd(at, until)
	if !ok {
		return nil
	}
	l.gone.Add(person, e) // memory first: the sessions are over here even if the disk fails
	ids := []string{person}
	err := l.writer.run(func(tx *bolt.Tx) (bool, error) {
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
			l.gone.Add(id, e)
		}
	})
	return l.unwritten.Note(err, e.At, ids...)
}

// PersonEnded implements Ledger.
func (l *Ledger) PersonEnded(person string) time.Time { return l.gone.Has(person, l.Logger) }

// Erase implements Ledger. ledger.Rights says what the file still holds
// afterwards.
func (l *Ledger) Erase(ctx context.Context, id string) error {
	_, err := l.eraseIf(ctx, id, func(*ledger.Person) bool { return true })
	return err
}

// eraseIf erases a person of whom a condition holds.
func (l *Ledger) eraseIf(ctx context.Context, id string, holds func(*ledger.Person) bool) (erased bool, err error) {
	if err := l.ready(ctx); err != nil {
		return false, err
	}
	if !ledger.ValidID(id) {
		return false, ledger.ErrNotFound
	}
	l.banning.RLock()
	defer l.banning.RUnlock()
	var p ledger.Person
	var bans []ledger.Ban
	wrote := false
	err = l.writer.run(func(tx *bolt.Tx) (_ bool, err error) {
		erased, wrote = false, false
		t := tables{tx}
		if p, err = t.byID(id); err != nil || !holds(&p) {
			return false, err
		}
		if bans, err = t.following(&l.bans, &p, true); err != nil {
			return false, err
		}
		if err := errors.Join(t.erase(&p), t.putBans(bans)); err != nil {
			return false, err
		}
		erased = true
		e := ledger.Erasure(&p)
		if err := t.supersede(&p, &e, &l.targets, l.limits.Bounds()); err != nil {
			return false, err
		}
		wrote, err = t.notify(l.targets.Notices(&p, e), l.limits.Bounds())
		return true, err
	}, func() {
		if erased {
			l.banned(bans)
			l.publish(&ledger.Change{Person: p, Dirty: true, News: true})
			l.wake(wrote)
		}
	})
	return erased && err == nil, err
}

// Export implements Ledger.
func (l *Ledger) Export(ctx context.Context, id string) ([]byte, error) {
	p, err := l.Find(ctx, id)
	if err != nil {
		return nil, err
	}
	return ledger.ExportPerson(&p, l.Banned(&p))
}

// erase removes the record and every name that leads to it.
func (t tables) erase(p *ledger.Person) error {
	if err := t.drop(p.ID); err != nil {
		return err
	}
	for _, c := range p.Names() {
		if err := t.tx.Bucket(bucketOf(c.Table)).Delete([]byte(c.Key)); err != nil {
			return err
		}
	}
	return nil
}

// Unwritten implements Ledger.
func (l *Ledger) Unwritten(id [16]byte, person string) bool { return l.unwritten.Has(id, person) }
