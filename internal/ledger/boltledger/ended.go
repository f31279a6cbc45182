package boltledger

import (
	"context"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// WalkEnded implements Ledger. It walks the memory, which holds all tombstones
// of the file, and ends that the disk refused.
func (l *Ledger) WalkEnded(ctx context.Context, fn func(ledger.Tombstone) error) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	now := time.Now().Unix()
	for id, span := range l.ended.All() {
		if span.Until <= now {
			continue
		}
		if err := fn(ledger.SessionTombstone(id, span.Until)); err != nil {
			return err
		}
	}
	for id, e := range l.gone.All() {
		if e.Until <= now {
			continue
		}
		if err := fn(ledger.PersonTombstone(id, e)); err != nil {
			return err
		}
	}
	return nil
}

// ImportEnded implements Ledger.
func (l *Ledger) ImportEnded(ctx context.Context, t ledger.Tombstone) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	if err := t.Check(); err != nil {
		return err
	}
	if t.Person == "" {
		return l.EndSession(ctx, t.Session, t.Until)
	}
	e, ok := l.gone.Imported(&t, l.Logger)
	if !ok {
		return nil
	}
	l.gone.Add(t.Person, e) // memory first, as in EndPerson
	err := l.writer.run(func(tx *bolt.Tx) (bool, error) { return tables{tx}.endPerson([]string{t.Person}, e) }, nil)
	return l.unwritten.Note(err, e.At, t.Person)
}
