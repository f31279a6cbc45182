package boltledger

import (
	"bytes"
	"encoding/binary"
	"encoding/json"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// queue holds the events for one target, within one transaction. Each event has
// a number; numbers grow.
type queue struct {
	b      *bolt.Bucket // waiting, dead → number of events (8 bytes, big-endian, as all numbers here); and the tables:
	entry  *bolt.Bucket // number → item
	id     *bolt.Bucket // event's id → number
	line   *bolt.Bucket // line, number → nothing
	due    *bolt.Bucket // next try (ms), number → nothing; only the first of each line
	dead   *bolt.Bucket // time of the burial (ms), number → item
	deadID *bolt.Bucket // event's id → key in dead
	// See kindIndex. The sequence of kind is that of entry.
	kind, deadKind *bolt.Bucket
}

// The tables of a queue that older gateways do not have.
var tableKinds, tableDeadKinds = []byte("kinds"), []byte("deadkinds")

// queue returns the queue of a target; nil if there is none and create is
// false.
func (t tables) queue(target string, create bool) (*queue, error) {
	all := t.tx.Bucket(bucketOutbox)
	b := all.Bucket([]byte(target))
	fresh := b == nil
	if fresh {
		if !create {
			return nil, nil
		}
		var err error
		if b, err = all.CreateBucket([]byte(target)); err != nil {
			return nil, err
		}
	}
	q := &queue{b: b}
	for name, at := range map[string]**bolt.Bucket{
		"entry": &q.entry, "id": &q.id, "line": &q.line, "due": &q.due, "buried": &q.dead, "deadid": &q.deadID,
		string(tableKinds): &q.kind, string(tableDeadKinds): &q.deadKind,
	} {
		if fresh {
			if _, err := b.CreateBucket([]byte(name)); err != nil {
				return nil, err
			}
		}
		if *at = b.Bucket([]byte(name)); *at == nil {
			return nil, ledger.Corrupt("the outbox lacks a table")
		}
	}
	return q, nil
}

// item is one event in a queue.
type item struct {
	seq   uint64
	line  string
	state ledger.Progress
	event []byte // the output of encodeEvent
}

func (i *item) value() ([]byte, error) {
	data, err := json.Marshal(i.state)
	if err != nil {
		return nil, err
	}
	return append(append(append([]byte(i.line), data...), '\n'), i.event...), nil
}

func parseItem(seq uint64, value []byte) (item, error) {
	i := item{seq: seq}
	end := bytes.IndexByte(value, '\n')
	if end < ledger.LineLength || json.Unmarshal(value[ledger.LineLength:end], &i.state) != nil {
		return i, ledger.Corrupt("an entry of the outbox cannot be decoded")
	}
	i.line, i.event = string(value[:ledger.LineLength]), bytes.Clone(value[end+1:])
	return i, nil
}

func (i *item) delivery() (ledger.Delivery, error) {
	e, err := ledger.DecodeEvent(i.event)
	if err != nil {
		return ledger.Delivery{}, err
	}
	return i.state.Delivery(e), nil
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// twoNumbers returns a key of due or dead.
func twoNumbers(ms int64, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(number(uint64(max(ms, 0))), seq)
}

func (q *queue) count(name string) int {
	if v := q.b.Get([]byte(name)); len(v) == 8 {
		return int(binary.BigEndian.Uint64(v))
	}
	return 0
}

func (q *queue) add(name string, n int) error {
	return q.b.Put([]byte(name), number(uint64(max(q.count(name)+n, 0))))
}

// item reads a waiting event.
func (q *queue) item(seq uint64) (item, error) {
	value := q.entry.Get(number(seq))
	if value == nil {
		return item{}, ledger.Corrupt("an index of the outbox leads nowhere")
	}
	return parseItem(seq, value)
}

// byID reads a waiting event; ok is false if there is none with this id.
func (q *queue) byID(id string) (i item, ok bool, err error) {
	seq := q.id.Get([]byte(id))
	if len(seq) != 8 {
		return item{}, false, nil
	}
	i, err = q.item(binary.BigEndian.Uint64(seq))
	return i, err == nil, err
}

// lineSeqs returns the numbers of a line in order, at most limit.
func (q *queue) lineSeqs(line string, limit int) (all []uint64) {
	c := q.line.Cursor()
	for key, _ := c.Seek([]byte(line)); len(all) < limit && bytes.HasPrefix(key, []byte(line)); key, _ = c.Next() {
		if len(key) == ledger.LineLength+8 {
			all = append(all, binary.BigEndian.Uint64(key[ledger.LineLength:]))
		}
	}
	return all
}

// head returns the first event of a line.
func (q *queue) head(line string) (i item, ok bool, err error) {
	first := q.lineSeqs(line, 1)
	if len(first) == 0 {
		return item{}, false, nil
	}
	i, err = q.item(first[0])
	return i, err == nil, err
}

// change runs do on a line. Before, it takes the first event of the line off
// the index of due events; afterwards it puts the event that is first then on
// the index.
func (q *queue) change(line string, do func() error) error {
	first, ok, err := q.head(line)
	if err == nil && ok {
		err = q.due.Delete(twoNumbers(first.state.Next, first.seq))
	}
	if err == nil {
		err = do()
	}
	if err != nil {
		return err
	}
	if first, ok, err = q.head(line); err == nil && ok {
		err = q.due.Put(twoNumbers(first.state.Next, first.seq), nil)
	}
	return err
}

// put and drop are called within change.
func (q *queue) put(i *item) error {
	value, err := i.value()
	if err != nil {
		return err
	}
	if err := q.entry.Put(number(i.seq), value); err != nil {
		return err
	}
	return q.line.Put(append([]byte(i.line), number(i.seq)...), nil)
}

func (q *queue) drop(i *item) error {
	if err := q.line.Delete(append([]byte(i.line), number(i.seq)...)); err != nil {
		return err
	}
	return q.entry.Delete(number(i.seq))
}
