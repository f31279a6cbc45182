package boltledger

import (
	"encoding/binary"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

// posted reads a queue whole.
func (q *queue) posted() (*ledgertest.Posted, error) {
	p, ids := ledgertest.NewPosted(), map[uint64]string{}
	p.Counted = [2]int{q.count("waiting"), q.count("dead")}
	err := q.entry.ForEach(func(key, value []byte) error {
		i, err := parseItem(binary.BigEndian.Uint64(key), value)
		if err != nil {
			return err
		}
		d, err := i.delivery()
		p.Waiting[d.ID], p.LineOf[d.ID], ids[i.seq] = d, i.line, d.ID
		if seq := q.id.Get([]byte(d.ID)); len(seq) != 8 || binary.BigEndian.Uint64(seq) != i.seq {
			err = errors.Join(err, fmt.Errorf("the id %s has no index", d.ID))
		}
		return err
	})
	errs := []error{
		err,
		q.line.ForEach(func(key, _ []byte) error {
			line := string(key[:ledger.LineLength])
			p.Lines[line] = append(p.Lines[line], ids[binary.BigEndian.Uint64(key[ledger.LineLength:])])
			return nil
		}),
		q.due.ForEach(func(key, _ []byte) error {
			id := ids[binary.BigEndian.Uint64(key[8:])]
			p.Due = append(p.Due, id)
			if at := p.Waiting[id].Next.UnixMilli(); uint64(at) != binary.BigEndian.Uint64(key) {
				return fmt.Errorf("%s is due at another time than it says", id)
			}
			return nil
		}),
		q.dead.ForEach(func(_, value []byte) error {
			i, err := parseItem(0, value)
			if err != nil {
				return err
			}
			d, err := i.delivery()
			p.Dead[d.ID] = d
			return err
		}),
		q.deadID.ForEach(func(key, at []byte) error {
			p.Buried = append(p.Buried, string(key))
			if q.dead.Get(at) == nil {
				return fmt.Errorf("the dead letter %s is missing", key)
			}
			return nil
		}),
	}
	return p, errors.Join(append(errs, q.checkKinds(p, ids))...)
}

func posted(l *Ledger, target string) (p *ledgertest.Posted, err error) {
	err = l.file.view(func(tx *bolt.Tx) error {
		q, err := tables{tx}.queue(target, false)
		if err != nil || q == nil {
			return errors.Join(err, ledger.ErrNotFound)
		}
		p, err = q.posted()
		return err
	})
	return p, err
}

// checkOutbox looks at the queues of all targets.
func checkOutbox(l *Ledger) error {
	var names []string
	err := l.file.view(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketOutbox).ForEach(func(name, _ []byte) error {
			names = append(names, string(name))
			return nil
		})
	})
	for _, name := range names {
		p, perr := posted(l, name)
		if err = errors.Join(err, perr); perr == nil {
			err = errors.Join(err, p.Check())
		}
	}
	return err
}
