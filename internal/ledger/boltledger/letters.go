package boltledger

import (
	"context"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Pending implements Outbox.
func (l *Ledger) Pending(ctx context.Context, target string, limit int) (all []ledger.Delivery, err error) {
	err = l.readQueue(ctx, target, func(q *queue) error {
		c := q.entry.Cursor()
		for key, value := c.First(); key != nil && len(all) < ledger.ClampLimit(limit); key, value = c.Next() {
			d, err := parseDelivery(value)
			if err != nil {
				return err
			}
			all = append(all, d)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Letter implements Outbox.
func (l *Ledger) Letter(ctx context.Context, target, id string) (d ledger.Delivery, dead bool, err error) {
	err = l.readQueue(ctx, target, func(q *queue) error {
		value := []byte(nil)
		if seq := q.id.Get([]byte(id)); len(seq) == 8 {
			value = q.entry.Get(seq)
		} else if key := q.deadID.Get([]byte(id)); len(key) == 16 && !past(key, time.Now().UnixMilli()) {
			value, dead = q.dead.Get(key), true
		}
		if value == nil {
			return nil
		}
		d, err = parseDelivery(value)
		return err
	})
	if err == nil && d.ID == "" {
		err = ledger.ErrNotFound
	}
	if err != nil {
		return ledger.Delivery{}, false, err
	}
	return d, dead, nil
}

// parseDelivery reads a waiting event, or a dead letter.
func parseDelivery(value []byte) (ledger.Delivery, error) {
	i, err := parseItem(0, value)
	if err != nil {
		return ledger.Delivery{}, err
	}
	return i.delivery()
}
