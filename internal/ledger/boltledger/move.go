package boltledger

import (
	"bytes"
	"context"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// walkStep is how many persons are read at once. No transaction is open while
// fn runs: an open transaction would make the file grow, and could block a
// write of fn for ever.
const walkStep = 256

// Walk implements Ledger.
func (l *Ledger) Walk(ctx context.Context, fn func(ledger.Person) error) error {
	for after := []byte(nil); ; {
		if err := l.ready(ctx); err != nil {
			return err
		}
		var some []ledger.Person
		err := l.file.view(func(tx *bolt.Tx) (err error) {
			some, err = tables{tx}.after(after)
			return err
		})
		if err != nil {
			return err
		}
		for _, p := range some {
			if err := fn(p); err != nil {
				return err
			}
			after = []byte(p.ID)
		}
		if len(some) < walkStep {
			return nil
		}
	}
}

// after returns the next persons by id.
func (t tables) after(id []byte) ([]ledger.Person, error) {
	var some []ledger.Person
	c := t.tx.Bucket(bucketPerson).Cursor()
	key, _ := c.Seek(id)
	if bytes.Equal(key, id) && id != nil {
		key, _ = c.Next()
	}
	for ; key != nil && len(some) < walkStep; key, _ = c.Next() {
		p, err := t.load(string(key))
		if err != nil {
			return nil, err
		}
		some = append(some, p)
	}
	return some, nil
}

// Import implements Ledger.
func (l *Ledger) Import(ctx context.Context, p ledger.Person) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	p, err := p.Normal()
	if err != nil {
		return err
	}
	wrote := false
	return l.writer.run(func(tx *bolt.Tx) (_ bool, err error) {
		wrote, err = tables{tx}.imported(&p)
		return wrote, err
	}, func() {
		if wrote {
			l.publish(&ledger.Change{Person: p, Dirty: true, News: true})
		}
	})
}

// imported writes a person of another ledger, if there is no conflict.
func (t tables) imported(p *ledger.Person) (bool, error) {
	holders, err := t.holders(p)
	if err != nil {
		return false, err
	}
	add, gone, err := p.Succeed(holders)
	if err != nil || !add {
		return false, err
	}
	for _, id := range gone {
		if err := t.drop(id); err != nil {
			return false, err
		}
	}
	persons := t.tx.Bucket(bucketPerson)
	if p.Order() > persons.Sequence() { // later persons are younger
		if err := persons.SetSequence(p.Order()); err != nil {
			return false, fmt.Errorf("the order of creation: %w", err)
		}
	}
	return true, t.write(&ledger.Change{Person: *p, News: true})
}

// holders returns the persons who have names of a person.
func (t tables) holders(p *ledger.Person) (all []ledger.Holder, err error) {
	for _, c := range p.Names() {
		q, err := absent(t.find(&c.By))
		if err != nil {
			return nil, err
		}
		if q != nil {
			all = append(all, ledger.Holder{Name: c, Person: q})
		}
	}
	return all, nil
}

// find returns the person to whom a query of one name leads. ErrNotFound.
func (t tables) find(q *ledger.Query) (ledger.Person, error) {
	switch {
	case q.ID != "":
		return t.byID(q.ID)
	case q.OpenID != "":
		return t.byOpenID(q.AppID, q.OpenID)
	default:
		return t.byUnionID(q.UnionID)
	}
}
