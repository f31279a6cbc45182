package boltledger

import (
	"context"
	"encoding/binary"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// SetTargets implements Outbox.
func (l *Ledger) SetTargets(all []ledger.Target) { l.targets.Set(all) }

// Tell implements Outbox.
func (l *Ledger) Tell(ctx context.Context, e ledger.Event) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	e, key, err := e.Tellable()
	if err != nil || len(l.targets.Wanting(e.Kind)) == 0 {
		return err
	}
	wrote := false
	return l.writer.run(func(tx *bolt.Tx) (_ bool, err error) {
		wrote = false
		t := tables{tx}
		var p *ledger.Person
		if e.Person != "" {
			if p, err = absent(t.byID(e.Person)); err != nil || p == nil {
				return false, err
			}
		}
		all := l.targets.Notices(p, e)
		if len(all) == 0 {
			return false, nil
		}
		if key != "" {
			if seen, err := t.once(key); err != nil || seen {
				return false, err
			}
		}
		wrote, err = t.notify(all, l.limits.Bounds())
		return true, err
	}, func() { l.wake(wrote) })
}

// wake reports that an event was put into the outbox.
func (l *Ledger) wake(wrote bool) {
	if wrote && l.Wake != nil {
		l.Wake()
	}
}

// Due implements Outbox.
func (l *Ledger) Due(ctx context.Context, target string, now time.Time, limit int) (due []ledger.Delivery, next time.Time, err error) {
	err = l.readQueue(ctx, target, func(q *queue) error {
		c := q.due.Cursor()
		for key, _ := c.First(); key != nil; key, _ = c.Next() {
			if len(key) != 16 {
				return ledger.Corrupt("an index of the outbox cannot be decoded")
			}
			at := int64(binary.BigEndian.Uint64(key))
			if at > now.UnixMilli() || len(due) == ledger.ClampLimit(limit) {
				next = time.UnixMilli(at).UTC()
				return nil
			}
			i, err := q.item(binary.BigEndian.Uint64(key[8:]))
			if err != nil {
				return err
			}
			d, err := i.delivery()
			if err != nil {
				return err
			}
			due = append(due, d)
		}
		return nil
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	return due, next, nil
}

// Sent implements Outbox.
func (l *Ledger) Sent(ctx context.Context, target, id string) error {
	return l.handle(ctx, target, id, func(q *queue, i *item) error { return q.remove(i, id) })
}

// Postpone implements Outbox.
func (l *Ledger) Postpone(ctx context.Context, target, id string, next time.Time, reason string) error {
	return l.handle(ctx, target, id, func(q *queue, i *item) error {
		return q.change(i.line, func() error {
			i.state.Failed(time.Now().UnixMilli(), ledger.Millis(next), ledger.PlainReason(reason))
			return q.put(i)
		})
	})
}

// Bury implements Outbox.
func (l *Ledger) Bury(ctx context.Context, target, id, reason string) error {
	return l.handle(ctx, target, id, func(q *queue, i *item) error {
		i.state.Failed(time.Now().UnixMilli(), 0, ledger.PlainReason(reason))
		return q.bury(i, l.limits.Bounds())
	})
}

// handle runs do on one waiting event.
func (l *Ledger) handle(ctx context.Context, target, id string, do func(q *queue, i *item) error) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	if err := ledger.CheckTarget(target); err != nil {
		return err
	}
	return l.writer.run(func(tx *bolt.Tx) (bool, error) {
		q, err := tables{tx}.queue(target, false)
		if err != nil || q == nil {
			return false, err
		}
		i, ok, err := q.byID(id)
		if err != nil || !ok {
			return false, err
		}
		return true, do(q, &i)
	}, nil)
}

// readQueue reads a target's queue, if there is one.
func (l *Ledger) readQueue(ctx context.Context, target string, read func(q *queue) error) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	if err := ledger.CheckTarget(target); err != nil {
		return err
	}
	return l.file.view(func(tx *bolt.Tx) error {
		q, err := tables{tx}.queue(target, false)
		if err != nil || q == nil {
			return err
		}
		return read(q)
	})
}
