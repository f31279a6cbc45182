package boltledger

import (
	"bytes"
	"encoding/binary"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// A file last written by an older gateway has no indexes by kind, or outdated
// ones. They are built when the file is opened.

// indexKinds builds the missing and outdated indexes of all queues. It reports
// whether it wrote anything.
func (t tables) indexKinds() (wrote bool, err error) {
	all := t.tx.Bucket(bucketOutbox)
	var targets []string
	err = all.ForEachBucket(func(name []byte) error {
		targets = append(targets, string(name))
		return nil
	})
	for _, target := range targets {
		if err != nil {
			return wrote, err
		}
		b := all.Bucket([]byte(target))
		if b.Bucket(tableKinds) != nil && b.Bucket(tableDeadKinds) != nil {
			q, err := t.queue(target, false)
			if err != nil {
				return wrote, err
			}
			if q.indexed() {
				continue
			}
		}
		wrote, err = true, t.reindex(b, target)
	}
	return wrote, err
}

// indexed reports whether the indexes are up to date. An older gateway changes
// the queue's counters and sequence, but not those of the indexes.
func (q *queue) indexed() bool {
	return q.kind.Sequence() == q.entry.Sequence() &&
		q.sum("waiting:") == q.count("waiting") && q.sum("dead:") == q.count("dead")
}

// counters calls do with the name of each counter that begins with prefix.
func (q *queue) counters(prefix string, do func(name string)) {
	c := q.b.Cursor()
	for key, value := c.Seek([]byte(prefix)); bytes.HasPrefix(key, []byte(prefix)); key, value = c.Next() {
		if value != nil {
			do(string(key))
		}
	}
}

func (q *queue) sum(prefix string) (n int) {
	q.counters(prefix, func(name string) { n += q.count(name) })
	return n
}

// reindex rebuilds both indexes of a queue.
func (t tables) reindex(b *bolt.Bucket, target string) error {
	for _, name := range [][]byte{tableKinds, tableDeadKinds} {
		if b.Bucket(name) != nil {
			if err := b.DeleteBucket(name); err != nil {
				return err
			}
		}
		if _, err := b.CreateBucket(name); err != nil {
			return err
		}
	}
	q, err := t.queue(target, false)
	if err != nil {
		return err
	}
	var stale []string
	for _, prefix := range []string{"waiting:", "dead:"} {
		q.counters(prefix, func(name string) { stale = append(stale, name) })
	}
	for _, name := range stale {
		if err := b.Delete([]byte(name)); err != nil {
			return err
		}
	}
	if err := q.waitingKinds().fill(q.entry); err != nil {
		return err
	}
	if err := q.deadKinds().fill(q.dead); err != nil {
		return err
	}
	return q.kind.SetSequence(q.entry.Sequence())
}

// fill adds all entries of a table to an empty index.
func (x kindIndex) fill(from *bolt.Bucket) error {
	counts := map[ledger.EventKind]int{}
	err := from.ForEach(func(key, value []byte) error {
		i, err := parseItem(0, value)
		if err != nil {
			return err
		}
		kind := kindOf(i.event)
		counts[kind]++
		return x.b.Put(x.key(kind, key), nil)
	})
	for kind, n := range counts {
		if err != nil {
			return err
		}
		err = x.q.add(x.counter(kind), n)
	}
	return err
}

// evict buries the oldest waiting event of a kind if too many wait. It buries
// at most one for each event that is added: it does not cut a queue that was
// longer before the limit existed.
func (q *queue) evict(kind ledger.EventKind, l ledger.Limits) error {
	key, err := q.waitingKinds().surplus(kind, l.Waiting, q.entry)
	if err != nil || key == nil {
		return err
	}
	if len(key) != 8 {
		return ledger.Corrupt("an index of the outbox cannot be decoded")
	}
	oldest, err := q.item(binary.BigEndian.Uint64(key))
	if err != nil {
		return err
	}
	oldest.state.Reason = ledger.TooMany
	return q.bury(&oldest, l)
}
