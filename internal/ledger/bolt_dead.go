package ledger

import (
	"bytes"
	"context"
	"time"

	bolt "go.etcd.io/bbolt"
)

// redeliverStep is how many dead letters are put back in one step: whoever writes meanwhile must not wait long.
const redeliverStep = 500

// Waiting implements Outbox.
func (b *Bolt) Waiting(ctx context.Context, target string) (waiting, dead int, err error) {
	err = b.readQueue(ctx, target, func(q *queue) error {
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

// Dead implements Outbox.
func (b *Bolt) Dead(ctx context.Context, target, after string, limit int) (all []Delivery, err error) {
	known := after == ""
	err = b.readQueue(ctx, target, func(q *queue) error {
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
		for ; key != nil && !past(key, now) && len(all) < bounded(limit); key, value = c.Prev() {
			i, err := parseItem(0, value)
			if err != nil {
				return err
			}
			d, err := i.delivery()
			if err != nil {
				return err
			}
			all = append(all, d)
		}
		return nil
	})
	if err == nil && !known {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Redeliver implements Outbox.
func (b *Bolt) Redeliver(ctx context.Context, target, id string) (int, error) {
	end, total := time.Now().UnixMilli(), 0
	for {
		n, err := b.redeliver(ctx, target, id, end)
		total += n
		if err != nil || n < redeliverStep || id != "" {
			return total, err
		}
	}
}

// redeliver puts some dead letters back, of those that were buried until end.
func (b *Bolt) redeliver(ctx context.Context, target, id string, end int64) (n int, err error) {
	if err := b.ready(ctx); err != nil {
		return 0, err
	}
	if err := checkTarget(target); err != nil {
		return 0, err
	}
	err = b.writer.run(func(tx *bolt.Tx) (bool, error) {
		n = 0
		q, err := tables{tx}.queue(target, false)
		if err != nil || q == nil {
			return false, err
		}
		for _, key := range q.buried(id, end) {
			if err := q.redeliver(key, b.outbox.bounds()); err != nil {
				return false, err
			}
			n++
		}
		return n > 0, nil
	}, func() { b.wake(n > 0) })
	if err != nil {
		return 0, err
	}
	return n, nil
}

// buried returns the keys of some dead letters, oldest first: of all, or of one.
func (q *queue) buried(id string, end int64) (keys [][]byte) {
	if id != "" {
		if key := q.deadID.Get([]byte(id)); len(key) == 16 && !past(key, time.Now().UnixMilli()) {
			keys = append(keys, bytes.Clone(key))
		}
		return keys
	}
	c, limit := q.dead.Cursor(), twoNumbers(end+1, 0)
	now := time.Now().UnixMilli()
	for key, _ := c.First(); key != nil && bytes.Compare(key, limit) < 0 && len(keys) < redeliverStep; key, _ = c.Next() {
		if !past(key, now) {
			keys = append(keys, bytes.Clone(key))
		}
	}
	return keys
}

// Lease implements Outbox. One file has one process: its memory is enough.
func (b *Bolt) Lease(ctx context.Context, target, name string, ttl time.Duration) (bool, error) {
	if err := b.leasable(ctx, target, name); err != nil {
		return false, err
	}
	return b.leases.take(target, name, ttl), nil
}

// Release implements Outbox.
func (b *Bolt) Release(ctx context.Context, target, name string) error {
	if err := b.leasable(ctx, target, name); err != nil {
		return err
	}
	b.leases.release(target, name)
	return nil
}

func (b *Bolt) leasable(ctx context.Context, target, name string) error {
	if err := b.ready(ctx); err != nil {
		return err
	}
	if err := checkTarget(target); err != nil {
		return err
	}
	return owner(name)
}
