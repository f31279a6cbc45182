package boltledger

import (
	"bytes"
	"context"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// redeliverStep is how many dead letters are taken away in one step: a write
// that comes in between must not wait long.
const redeliverStep = 500

// Waiting implements Outbox.
func (l *Ledger) Waiting(ctx context.Context, target string) (waiting, dead int, err error) {
	err = l.readQueue(ctx, target, func(q *queue) error {
		waiting, dead = q.count("waiting"), q.count("dead")
		c, now := q.dead.Cursor(), time.Now().UnixMilli()
		for key, _ := c.First(); key != nil && past(key, now); key, _ = c.Next() {
			dead--
		}
		return nil
	})
	if err != nil {
		return 0, 0, err
	}
	return waiting, dead, nil
}

// Oldest implements Outbox.
func (l *Ledger) Oldest(ctx context.Context, target string) (at time.Time, err error) {
	err = l.readQueue(ctx, target, func(q *queue) error {
		key, value := q.entry.Cursor().First()
		if key == nil {
			return nil
		}
		i, err := parseItem(0, value)
		if err != nil {
			return err
		}
		e, err := ledger.DecodeEvent(i.event)
		at = e.At
		return err
	})
	if err != nil {
		return time.Time{}, err
	}
	return at, nil
}

// Dead implements Outbox.
func (l *Ledger) Dead(ctx context.Context, target, after string, limit int) (all []ledger.Delivery, err error) {
	known := after == ""
	err = l.readQueue(ctx, target, func(q *queue) error {
		c, now := q.dead.Cursor(), time.Now().UnixMilli()
		key, value := c.Last()
		if after != "" {
			from := q.deadID.Get([]byte(after))
			if from == nil {
				return nil
			}
			known = true
			c.Seek(from)
			key, value = c.Prev()
		}
		for ; key != nil && !past(key, now) && len(all) < ledger.ClampLimit(limit); key, value = c.Prev() {
			d, err := parseDelivery(value)
			if err != nil {
				return err
			}
			all = append(all, d)
		}
		return nil
	})
	if err == nil && !known {
		err = ledger.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Redeliver implements Outbox.
func (l *Ledger) Redeliver(ctx context.Context, target, id string) (int, error) {
	return l.eachDead(ctx, target, id, func(q *queue, key []byte) (bool, error) { return q.redeliver(key, l.limits.Bounds()) }, l.wake)
}

// Purge implements Outbox.
func (l *Ledger) Purge(ctx context.Context, target, id string) (int, error) {
	return l.eachDead(ctx, target, id, func(q *queue, key []byte) (bool, error) {
		return true, q.removeDead(key, q.dead.Get(key))
	}, func(bool) {})
}

// eachDead takes a dead letter away, or all that are there now, step by step:
// take reports whether it took one. then is called after each step, and told
// whether any was taken. It returns their number.
func (l *Ledger) eachDead(ctx context.Context, target, id string, take func(q *queue, key []byte) (bool, error), then func(any bool)) (total int, err error) {
	end, from := twoNumbers(time.Now().UnixMilli()+1, 0), []byte(nil)
	for {
		if err := l.ready(ctx); err != nil {
			return total, err
		}
		if err := ledger.CheckTarget(target); err != nil {
			return total, err
		}
		n, last := 0, []byte(nil)
		err := l.writer.run(func(tx *bolt.Tx) (_ bool, err error) {
			n, last, err = tables{tx}.takeDead(target, id, from, end, take)
			return n > 0, err
		}, func() { then(n > 0) })
		if err != nil {
			return total, err
		}
		total += n
		if last == nil || id != "" {
			return total, nil
		}
		from = append(last, 0) // the next key
	}
}

// takeDead takes some of the dead letters with keys from from to end, or the
// one with this id. last is the last key that it read, nil if there was none.
func (t tables) takeDead(target, id string, from, end []byte, take func(q *queue, key []byte) (bool, error)) (n int, last []byte, err error) {
	q, err := t.queue(target, false)
	if err != nil || q == nil {
		return 0, nil, err
	}
	for _, key := range q.buried(id, from, end) {
		taken, err := take(q, key)
		if err != nil {
			return 0, nil, err
		}
		if last = key; taken {
			n++
		}
	}
	return n, last, nil
}

// buried returns the keys of some dead letters, oldest first: all those between
// from and end, or the one with this id.
func (q *queue) buried(id string, from, end []byte) (keys [][]byte) {
	now := time.Now().UnixMilli()
	if id != "" {
		if key := q.deadID.Get([]byte(id)); len(key) == 16 && !past(key, now) {
			keys = append(keys, bytes.Clone(key))
		}
		return keys
	}
	c := q.dead.Cursor()
	for key, _ := c.Seek(from); key != nil && bytes.Compare(key, end) < 0 && len(keys) < redeliverStep; key, _ = c.Next() {
		if !past(key, now) {
			keys = append(keys, bytes.Clone(key))
		}
	}
	return keys
}

// Lease implements Outbox. One file belongs to one process, so its memory is
// enough.
func (l *Ledger) Lease(ctx context.Context, target, name string, ttl time.Duration) (bool, error) {
	if err := l.leasable(ctx, target, name); err != nil {
		return false, err
	}
	return l.leases.take(target, name, ttl), nil
}

// Release implements Outbox.
func (l *Ledger) Release(ctx context.Context, target, name string) error {
	if err := l.leasable(ctx, target, name); err != nil {
		return err
	}
	l.leases.release(target, name)
	return nil
}

func (l *Ledger) leasable(ctx context.Context, target, name string) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	if err := ledger.CheckTarget(target); err != nil {
		return err
	}
	return ledger.CheckOwner(name)
}
