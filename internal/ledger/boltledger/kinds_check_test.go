package boltledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

// kindsOf reads an index by kind. ids are those of the entries by key.
func (x kindIndex) kindsOf(ids map[string]string) (map[string]ledger.EventKind, error) {
	found, counts := map[string]ledger.EventKind{}, map[ledger.EventKind]int{}
	err := x.b.ForEach(func(member, _ []byte) error {
		kind, key, _ := bytes.Cut(member, []byte(":"))
		found[ids[string(key)]] = ledger.EventKind(kind)
		counts[ledger.EventKind(kind)]++
		return nil
	})
	all := []ledger.EventKind{ledger.Linked, ledger.Merged, ledger.Erased, ledger.SignedIn, ledger.Declined, ledger.Revoked, ledger.Cancelled, ledger.ProfileChanged, ledger.LoggedOut}
	for _, kind := range all {
		if n := x.count(kind); n != counts[kind] {
			err = errors.Join(err, fmt.Errorf("outbox: %d of %s counted in %s, there are %d", n, kind, x.name, counts[kind]))
		}
	}
	return found, err
}

// checkKinds looks at both indexes of a queue.
func (q *queue) checkKinds(p *ledgertest.Posted, seqs map[uint64]string) error {
	waiting, buried := map[string]string{}, map[string]string{}
	for seq, id := range seqs {
		waiting[string(binary.BigEndian.AppendUint64(nil, seq))] = id
	}
	err := q.deadID.ForEach(func(id, key []byte) error {
		buried[string(key)] = string(id)
		return nil
	})
	var errs [2]error
	p.Kinds, errs[0] = q.waitingKinds().kindsOf(waiting)
	p.DeadKinds, errs[1] = q.deadKinds().kindsOf(buried)
	if !q.indexed() {
		err = errors.Join(err, errors.New("outbox: the indexes by kind would be made anew"))
	}
	return errors.Join(err, errs[0], errs[1])
}

// strand takes events out, but leaves them in the index by kind.
func strand(l *Ledger, target string, seqs ...uint64) error {
	return l.writer.run(func(tx *bolt.Tx) (bool, error) {
		q, err := tables{tx}.queue(target, false)
		for _, seq := range seqs {
			if err != nil {
				return false, err
			}
			var i item
			var d ledger.Delivery
			if i, err = q.item(seq); err == nil {
				d, err = i.delivery()
			}
			if err == nil {
				err = errors.Join(q.remove(&i, d.ID), q.waitingKinds().put(d.Kind, number(seq)))
			}
		}
		return true, err
	}, nil)
}
