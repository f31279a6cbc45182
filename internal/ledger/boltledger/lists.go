package boltledger

import (
	"bytes"
	"context"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// strays is how many entries that lead nowhere one call skips, at most, for
// each person that it may return.
const strays = 8

// List implements Ledger.
func (l *Ledger) List(ctx context.Context, after string, limit int) (some []ledger.Person, next string, err error) {
	if err := ledger.CheckListCursor(after); err != nil {
		return nil, "", err
	}
	limit = ledger.ClampList(limit)
	err = l.listed(ctx, func(t tables) error {
		some, next = nil, ""
		c := t.lists().Bucket(bucketSeen).Cursor()
		key := before(c, after)
		for looked := 0; key != nil && len(some) < limit && looked < strays*limit; looked++ {
			if p := t.listedAs(ledger.InSeen, key); p != nil {
				some = append(some, *p)
			}
			next = string(key)
			key, _ = c.Prev()
		}
		if key == nil {
			next = ""
		}
		return nil
	})
	return some, next, err
}

// before returns the last key before another one, the last of all for "".
func before(c *bolt.Cursor, key string) []byte {
	if key == "" {
		last, _ := c.Last()
		return last
	}
	if found, _ := c.Seek([]byte(key)); found == nil {
		last, _ := c.Last()
		return last
	}
	previous, _ := c.Prev()
	return previous
}

// Count implements Ledger.
func (l *Ledger) Count(ctx context.Context) (n int, err error) {
	err = l.listed(ctx, func(t tables) error { n = t.counted(); return nil })
	return n, err
}

// FindNickname implements Ledger.
func (l *Ledger) FindNickname(ctx context.Context, prefix string, limit int) (some []ledger.Person, err error) {
	prefix, err = ledger.NicknamePrefix(prefix)
	if err != nil {
		return nil, err
	}
	limit = ledger.ClampList(limit)
	err = l.listed(ctx, func(t tables) error {
		some = nil
		c := t.lists().Bucket(bucketNickname).Cursor()
		key, _ := c.Seek([]byte(prefix))
		for looked := 0; bytes.HasPrefix(key, []byte(prefix)) && len(some) < limit && looked < strays*limit; looked++ {
			if p := t.listedAs(ledger.InNicknames, key); p != nil {
				some = append(some, *p)
			}
			key, _ = c.Next()
		}
		return nil
	})
	return some, err
}

// Inactive implements Ledger.
func (l *Ledger) Inactive(ctx context.Context, before time.Time, limit int) (found ledger.Inactivity, err error) {
	limit = ledger.ClampInactive(limit)
	end := []byte(ledger.SeenBound(before))
	err = l.listed(ctx, func(t tables) error {
		found = ledger.Inactivity{}
		c := t.lists().Bucket(bucketSeen).Cursor()
		for key, _ := c.First(); key != nil && bytes.Compare(key, end) < 0; key, _ = c.Next() {
			if found.Persons++; found.Persons == 1 {
				found.Oldest = ledger.SeenAt(string(key))
			}
			if len(found.Some) >= limit || found.Persons > strays*limit {
				continue
			}
			if p := t.listedAs(ledger.InSeen, key); p != nil {
				found.Some = append(found.Some, *p)
			}
		}
		return nil
	})
	return found, err
}

// EraseInactive implements Ledger.
func (l *Ledger) EraseInactive(ctx context.Context, id string, before time.Time) (erased bool, err error) {
	return l.eraseIf(ctx, id, func(p *ledger.Person) bool { return p.LastSeen.Before(before) })
}

// listed reads the indexes. ErrIndexing: they are not complete yet.
func (l *Ledger) listed(ctx context.Context, read func(tables) error) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	return l.file.view(func(tx *bolt.Tx) error {
		t := tables{tx}
		if b := t.lists(); b == nil || t.builtTo() != allPersons {
			return ledger.ErrIndexing
		}
		return read(t)
	})
}

// listedAs returns the person of an entry. It returns nil for an entry that
// leads to no person who stands there, or to a record that cannot be read: one
// of them must not hide all others. Verify reports them.
func (t tables) listedAs(in string, entry []byte) *ledger.Person {
	p, err := t.load(ledger.ListedID(string(entry)))
	if err != nil || p.ID == "" || !p.Stands(in, string(entry)) {
		return nil
	}
	return &p
}
