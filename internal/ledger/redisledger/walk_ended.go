package redisledger

import (
	"context"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// WalkEnded implements Ledger. A person with two tombstones is given twice. An
// unreadable tombstone is ErrCorrupt: an export without it would bring ended
// sessions back.
func (l *Ledger) WalkEnded(ctx context.Context, fn func(ledger.Tombstone) error) error {
	return l.ends.eachTombstone(ctx, func(word string) error {
		t, ok := parseTombstone(word)
		switch {
		case !ok:
			return ledger.Corrupt("a tombstone cannot be decoded")
		case t.person == "":
			return fn(ledger.SessionTombstone(t.session, t.e.Until))
		}
		return fn(ledger.PersonTombstone(t.person, t.e))
	})
}

// ImportEnded implements Ledger. It reaches other instances within Stale.
func (l *Ledger) ImportEnded(ctx context.Context, t ledger.Tombstone) error {
	if err := l.begin(ctx); err != nil {
		return err
	}
	defer l.work.Done()
	if err := t.Check(); err != nil {
		return err
	}
	end, ok := ledger.UntilSecond(t.Until)
	word := sessionTombstone(t.Session, end)
	if t.Person != "" {
		var e ledger.PersonEnd
		e, ok = l.ends.persons.Imported(&t, l.Logger)
		word = personTombstone(t.Person, e)
	}
	if !ok {
		return nil
	}
	l.ends.learn(word) // memory first, as in EndSession
	b := newBatch()
	b.end(word, end)
	b.endNews = string(sayEnded) + word
	_, _, err := l.write(ctx, b)
	if t.Person == "" {
		return l.unwritten.Note(err, 0, string(t.Session[:]))
	}
	return l.unwritten.Note(err, t.At.Unix(), t.Person)
}
