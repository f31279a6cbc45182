package boltledger

import (
	"encoding/binary"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// notify stores notices. It reports whether any of them was new.
func (t tables) notify(all []ledger.Notice, l ledger.Limits) (wrote bool, err error) {
	for i := range all {
		for _, target := range all[i].To {
			q, err := t.queue(target, true)
			if err != nil {
				return wrote, err
			}
			fresh, err := q.keep(&all[i], l)
			if err != nil {
				return wrote, err
			}
			wrote = wrote || fresh
		}
	}
	return wrote, nil
}

// keep adds an event at the end of its line, unless the queue has it already.
func (q *queue) keep(n *ledger.Notice, l ledger.Limits) (fresh bool, err error) {
	id := []byte(n.Event.ID)
	if q.id.Get(id) != nil || q.deadID.Get(id) != nil {
		return false, nil
	}
	for _, alias := range n.Aliases {
		if err := q.join(ledger.PersonLine(alias), n.Line); err != nil {
			return false, err
		}
	}
	event, err := ledger.EncodeEvent(&n.Event)
	if err != nil {
		return false, err
	}
	seq, err := q.entry.NextSequence()
	if err == nil {
		err = q.kind.SetSequence(seq)
	}
	if err != nil {
		return false, err
	}
	now := time.Now().UnixMilli()
	return true, q.insert(&item{seq: seq, line: n.Line, state: ledger.Progress{Next: now, First: now}, event: event}, n.Event.ID, l)
}

// insert puts an event at the place of its number, and buries the oldest of its
// kind if there are too many.
func (q *queue) insert(i *item, id string, l ledger.Limits) error {
	if err := q.id.Put([]byte(id), number(i.seq)); err != nil {
		return err
	}
	if err := q.change(i.line, func() error { return q.put(i) }); err != nil {
		return err
	}
	if err := q.add("waiting", 1); err != nil {
		return err
	}
	kind := kindOf(i.event)
	if err := q.waitingKinds().put(kind, number(i.seq)); err != nil {
		return err
	}
	if err := q.evict(kind, l); err != nil {
		return err
	}
	return q.forget(kind, l, time.Now().UnixMilli())
}

// join joins two lines: events that wait under an id that was merged into
// another come before later events of the other.
func (q *queue) join(from, to string) error {
	if from == to || len(q.lineSeqs(from, 1)) == 0 {
		return nil
	}
	return q.change(to, func() error {
		return q.change(from, func() error {
			for _, seq := range q.lineSeqs(from, int(^uint(0)>>1)) {
				i, err := q.item(seq)
				if err != nil {
					return err
				}
				if err := q.line.Delete(append([]byte(from), number(seq)...)); err != nil {
					return err
				}
				i.line = to
				if err := q.put(&i); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// remove removes an event from the queue. id is the event's id.
func (q *queue) remove(i *item, id string) error {
	if err := q.id.Delete([]byte(id)); err != nil {
		return err
	}
	if err := q.change(i.line, func() error { return q.drop(i) }); err != nil {
		return err
	}
	if err := q.waitingKinds().drop(kindOf(i.event), number(i.seq)); err != nil {
		return err
	}
	return q.add("waiting", -1)
}

// bury moves an event to the dead letters.
func (q *queue) bury(i *item, l ledger.Limits) error {
	e, err := ledger.DecodeEvent(i.event)
	if err != nil {
		return err
	}
	if err := q.remove(i, e.ID); err != nil {
		return err
	}
	now := time.Now().UnixMilli()
	i.state.Next = now
	value, err := i.value()
	if err != nil {
		return err
	}
	key := twoNumbers(now, i.seq)
	if err := q.dead.Put(key, value); err != nil {
		return err
	}
	if err := q.deadID.Put([]byte(e.ID), key); err != nil {
		return err
	}
	if err := q.deadKinds().put(e.Kind, key); err != nil {
		return err
	}
	if err := q.add("dead", 1); err != nil {
		return err
	}
	return q.forget(e.Kind, l, now)
}

// forget removes dead letters that are too old, and the oldest of this kind
// while there are too many, a limited number at a time.
func (q *queue) forget(kind ledger.EventKind, l ledger.Limits, now int64) error {
	if _, err := q.expire(now); err != nil {
		return err
	}
	for range pruned {
		key, err := q.deadKinds().surplus(kind, l.Dead, q.dead)
		if err != nil || key == nil {
			return err
		}
		if err := q.removeDead(key, q.dead.Get(key)); err != nil {
			return err
		}
	}
	return nil
}

// past reports whether a dead letter is too old.
func past(key []byte, now int64) bool {
	return len(key) != 16 || int64(binary.BigEndian.Uint64(key)) <= now-ledger.DeadFor.Milliseconds()
}

// removeDead removes a dead letter.
func (q *queue) removeDead(key, value []byte) error {
	i, err := parseItem(0, value)
	if err != nil {
		return err
	}
	h, err := headOf(i.event)
	if err != nil {
		return err
	}
	if err := q.dead.Delete(key); err != nil {
		return err
	}
	if err := q.deadID.Delete([]byte(h.ID)); err != nil {
		return err
	}
	if err := q.deadKinds().drop(h.Kind, key); err != nil {
		return err
	}
	return q.add("dead", -1)
}

// redeliver puts a dead letter back, as if it had never been tried. ok is false
// if its kind is full.
func (q *queue) redeliver(key []byte, l ledger.Limits) (ok bool, err error) {
	i, err := parseItem(binary.BigEndian.Uint64(key[8:]), q.dead.Get(key))
	if err != nil {
		return false, err
	}
	e, err := ledger.DecodeEvent(i.event)
	if err != nil || q.waitingKinds().count(e.Kind) >= l.Waiting {
		return false, err
	}
	if err := q.removeDead(key, q.dead.Get(key)); err != nil {
		return false, err
	}
	now := time.Now().UnixMilli()
	i.state = ledger.Progress{Next: now, First: now}
	return true, q.insert(&i, e.ID, l)
}
