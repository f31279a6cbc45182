package redisledger

import (
	"context"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// EndSession implements Ledger. It reaches other instances within Stale.
func (l *Ledger) EndSession(ctx context.Context, id [16]byte, until time.Time) error {
	if err := l.begin(ctx); err != nil {
		return err
	}
	defer l.work.Done()
	end, ok := ledger.UntilSecond(until)
	if !ok {
		return nil
	}
	l.ends.sessions.Add(id, ledger.Span{Until: end}) // memory first: the session is over here even if Redis fails
	b := newBatch()
	word := sessionTombstone(id, end)
	b.end(word, end)
	b.endNews = string(sayEnded) + word
	_, _, err := l.write(ctx, b)
	return l.unwritten.Note(err, 0, string(id[:]))
}

// Ended implements Ledger. After Start it waits until the tombstones have been
// read once, for three seconds at most: a new instance must not accept sessions
// that others ended.
func (l *Ledger) Ended(id [16]byte) bool {
	l.ends.known.pass()
	return l.ends.sessions.Has(id)
}

// EndPerson implements Ledger. It reaches other instances within Stale.
func (l *Ledger) EndPerson(ctx context.Context, person string, at, until time.Time) error {
	if err := l.begin(ctx); err != nil {
		return err
	}
	defer l.work.Done()
	if !ledger.ValidID(person) {
		return ledger.ErrNotFound
	}
	e, ok := ledger.NewPersonEnd(at, until)
	if !ok {
		return nil
	}
	l.ends.persons.Add(person, e) // memory first, as above
	ids := []string{person}
	err := l.rounds(ctx, func() (plan, error) {
		v, err := l.look(ctx, ledger.Query{ID: person})
		if err != nil {
			return plan{}, err
		}
		b := newBatch()
		if p := v.id.person; p != nil {
			ids = p.IDs()
			b.expectPerson(v.id)
		} else {
			b.expect(ledger.TablePerson, person, "")
			b.expect(ledger.TableAlias, person, "")
		}
		var words []string
		for _, id := range ids {
			words = append(words, personTombstone(id, e))
			b.end(words[len(words)-1], e.Until)
			l.ends.persons.Add(id, e)
		}
		b.endNews = string(sayEnded) + strings.Join(words, " ")
		return plan{batch: b, names: ids}, nil
	}, func(int) {})
	return l.unwritten.Note(err, e.At, ids...)
}

// PersonEnded implements Ledger. It waits as Ended does.
func (l *Ledger) PersonEnded(person string) time.Time {
	l.ends.known.pass()
	return l.ends.persons.Has(person, l.Logger)
}

// Unwritten implements Ledger.
func (l *Ledger) Unwritten(id [16]byte, person string) bool { return l.unwritten.Has(id, person) }
