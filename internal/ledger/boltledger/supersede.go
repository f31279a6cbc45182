package boltledger

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// supersede removes the older events of an erased person from all queues.
// notice is the event of the erasure.
func (t tables) supersede(p *ledger.Person, notice *ledger.Event, targets *ledger.Targets, l ledger.Limits) error {
	var names []string
	err := t.tx.Bucket(bucketOutbox).ForEachBucket(func(name []byte) error {
		names = append(names, string(name))
		return nil
	})
	for _, name := range names {
		if err != nil {
			return err
		}
		err = t.supersedeIn(name, p, notice, targets.Supersede(name, notice), l)
	}
	return err
}

func (t tables) supersedeIn(target string, p *ledger.Person, notice *ledger.Event, how ledger.Supersession, l ledger.Limits) error {
	q, err := t.queue(target, false)
	if err != nil || q == nil {
		return err
	}
	waiting, err := q.expungeWaiting(p.Lines(), &how)
	if err != nil {
		return err
	}
	dead, err := q.expungeDead(p.Lines(), &how)
	if err != nil || !how.Leave || waiting+dead == 0 {
		return err
	}
	_, err = q.keep(&ledger.Notice{Event: *notice, Line: ledger.PersonLine(p.ID), To: []string{target}}, l)
	return err
}

// expungeWaiting removes the waiting events of these lines, but for those that
// stay, and returns their number.
func (q *queue) expungeWaiting(lines []string, how *ledger.Supersession) (n int, err error) {
	for _, line := range lines {
		for _, seq := range q.lineSeqs(line, int(^uint(0)>>1)) {
			i, err := q.item(seq)
			if err != nil {
				return n, err
			}
			h, err := headOf(i.event)
			if err != nil {
				return n, err
			}
			if how.Stays(h.Kind, h.about()) {
				continue
			}
			if err := q.remove(&i, h.ID); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

// expungeDead is expungeWaiting for dead letters. They have no index by line,
// so it reads the line of each; there are 90,000 at most.
func (q *queue) expungeDead(lines []string, how *ledger.Supersession) (n int, err error) {
	ours := map[string]bool{}
	for _, line := range lines {
		ours[line] = true
	}
	var keys [][]byte
	c := q.dead.Cursor()
	for key, value := c.First(); key != nil; key, value = c.Next() {
		if len(value) > ledger.LineLength && ours[string(value[:ledger.LineLength])] {
			keys = append(keys, bytes.Clone(key))
		}
	}
	for _, key := range keys {
		i, err := parseItem(0, q.dead.Get(key))
		if err != nil {
			return n, err
		}
		h, err := headOf(i.event)
		if err != nil {
			return n, err
		}
		if how.Stays(h.Kind, h.about()) {
			continue
		}
		if err := q.removeDead(key, q.dead.Get(key)); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// eventHead is the part of a stored event that the queue itself needs.
type eventHead struct {
	ID     string           `json:"i"`
	Kind   ledger.EventKind `json:"k"`
	AppID  string           `json:"a"`
	OpenID string           `json:"o"`
}

func (h *eventHead) about() ledger.AccountID {
	return ledger.AccountID{AppID: h.AppID, OpenID: h.OpenID}
}

// headOf reads the head of a stored event, also of one that a newer gateway
// wrote.
func headOf(event []byte) (h eventHead, err error) {
	if json.Unmarshal(event, &h) != nil || !ledger.ValidID(h.ID) {
		return h, ledger.Corrupt("an event of the outbox cannot be decoded")
	}
	return h, nil
}

// Expire implements Outbox.
func (l *Ledger) Expire(ctx context.Context, target string) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	if err := ledger.CheckTarget(target); err != nil {
		return err
	}
	for more := true; more; {
		err := l.writer.run(func(tx *bolt.Tx) (bool, error) {
			q, err := tables{tx}.queue(target, false)
			more = false
			if err != nil || q == nil {
				return false, err
			}
			n, err := q.expire(time.Now().UnixMilli())
			more = n == pruned
			return n > 0, err
		}, nil)
		if err != nil {
			return err
		}
	}
	return nil
}

// expire removes dead letters that are too old, a limited number at a time, and
// returns their number.
func (q *queue) expire(now int64) (n int, err error) {
	for ; n < pruned; n++ {
		key, value := q.dead.Cursor().First()
		if key == nil || !past(key, now) {
			return n, nil
		}
		if err := q.removeDead(bytes.Clone(key), value); err != nil {
			return n, err
		}
	}
	return n, nil
}
