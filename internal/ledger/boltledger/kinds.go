package boltledger

import (
	"bytes"
	"encoding/json"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// When a kind has too many events, a full queue drops the oldest event of that
// kind, and no event of another kind (attack: a visitor's flood of declined
// sign-ins pushes out the notices of revoked and erased persons). Two indexes
// tell how many events of a kind there are, and which is the oldest, without
// reading other events.

// kindIndex lists the waiting events, or the dead letters, by kind.
type kindIndex struct {
	q    *queue
	name string       // waiting or dead. name, colon, kind → number of entries
	b    *bolt.Bucket // kind, colon, key of the entry → nothing
}

func (q *queue) waitingKinds() kindIndex { return kindIndex{q, "waiting", q.kind} }
func (q *queue) deadKinds() kindIndex    { return kindIndex{q, "dead", q.deadKind} }

// kindOf reads the kind of a stored event.
func kindOf(event []byte) ledger.EventKind {
	var r struct {
		Kind ledger.EventKind `json:"k"`
	}
	if json.Unmarshal(event, &r) != nil {
		return "" // decodeEvent reports it
	}
	return r.Kind
}

func (x kindIndex) counter(kind ledger.EventKind) string { return x.name + ":" + string(kind) }

func (x kindIndex) key(kind ledger.EventKind, key []byte) []byte {
	return append([]byte(string(kind)+":"), key...)
}

func (x kindIndex) count(kind ledger.EventKind) int { return x.q.count(x.counter(kind)) }

// put adds an entry, and drop removes it. Repeating either changes no count.
func (x kindIndex) put(kind ledger.EventKind, key []byte) error {
	member := x.key(kind, key)
	if x.stands(member) {
		return nil
	}
	if err := x.b.Put(member, nil); err != nil {
		return err
	}
	return x.q.add(x.counter(kind), 1)
}

func (x kindIndex) drop(kind ledger.EventKind, key []byte) error {
	member := x.key(kind, key)
	if !x.stands(member) {
		return nil
	}
	if err := x.b.Delete(member); err != nil {
		return err
	}
	return x.q.add(x.counter(kind), -1)
}

func (x kindIndex) stands(member []byte) bool {
	found, _ := x.b.Cursor().Seek(member)
	return bytes.Equal(found, member)
}

// oldest returns the key of the oldest entry of a kind, nil if there is none.
func (x kindIndex) oldest(kind ledger.EventKind) []byte {
	prefix := x.key(kind, nil)
	found, _ := x.b.Cursor().Seek(prefix)
	if !bytes.HasPrefix(found, prefix) {
		return nil
	}
	return bytes.Clone(found[len(prefix):])
}

// surplus returns the key of the oldest entry of a kind if there are more than
// most, else nil. It drops index members whose entry is not in from.
func (x kindIndex) surplus(kind ledger.EventKind, most int, from *bolt.Bucket) ([]byte, error) {
	for range pruned {
		key := x.oldest(kind)
		switch {
		case key == nil:
			return nil, nil
		case from.Get(key) == nil:
			if err := x.drop(kind, key); err != nil {
				return nil, err
			}
		case x.count(kind) <= most:
			return nil, nil
		default:
			return key, nil
		}
	}
	return nil, nil
}
