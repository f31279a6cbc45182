package redisledger

import (
	"context"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// A tombstone is, in the store and in announcements, one word: s, the session's id in hex; or p, the person's id, dot,
// the second up to which sessions are over; and in both cases a dot and the second until which that holds. The latter
// is also its score.

// tombstonesStep is how many are read at once.
const tombstonesStep = 10000

func sessionTombstone(id [16]byte, until int64) string {
	return "s" + hex.EncodeToString(id[:]) + "." + strconv.FormatInt(until, 10)
}

func personTombstone(id string, e ledger.PersonEnd) string {
	return "p" + id + "." + strconv.FormatInt(e.At, 10) + "." + strconv.FormatInt(e.Until, 10)
}

// learn takes in one tombstone, and says whether it is one.
func (e *ends) learn(word string) bool {
	t, ok := parseTombstone(word)
	switch {
	case !ok:
		return false
	case t.person == "":
		e.sessions.Add(t.session, ledger.Span{Until: t.e.Until})
	default:
		e.persons.Add(t.person, t.e)
	}
	return true
}

var errSecond = errors.New("ledger: no time")

func parseSecond(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > ledger.MaxTime {
		return 0, errSecond
	}
	return n, nil
}

// EndSession implements Ledger. Other instances hear of it within Stale.
func (l *Ledger) EndSession(ctx context.Context, id [16]byte, until time.Time) error {
	if err := l.begin(ctx); err != nil {
		return err
	}
	defer l.work.Done()
	end, ok := ledger.UntilSecond(until)
	if !ok {
		return nil
	}
	l.ends.sessions.Add(id, ledger.Span{Until: end}) // first: here and now the session is over, whatever Redis says
	b := newBatch()
	word := sessionTombstone(id, end)
	b.end(word, end)
	b.endNews = string(sayEnded) + word
	_, _, err := l.write(ctx, b)
	return l.unwritten.Note(err, 0, string(id[:]))
}

// Ended implements Ledger. After Start it waits for the tombstones to be read once, for three seconds at most: an
// instance that has just begun must not take for alive what others ended.
func (l *Ledger) Ended(id [16]byte) bool {
	l.ends.known.pass()
	return l.ends.sessions.Has(id)
}

// EndPerson implements Ledger. Other instances hear of it within Stale.
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
	l.ends.persons.Add(person, e) // first, as above
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

// loadTombstones reads those still in force, unless the last change of them is one from before they were last read. A
// change has a stamp, not a number: a failover can lose one and gain another (attack: an ended session that stays good
// where nobody heard of its end).
func (e *ends) loadTombstones(ctx context.Context) error {
	once, cancel := e.once(ctx)
	defer cancel()
	stamp, err := e.Client.HGet(once, e.key("meta"), "ends").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return e.failed("reading the tombstones", err)
	}
	if read := e.stamp.Load(); read == stamp {
		e.known.open()
		return nil
	}
	bad := 0
	err = e.eachTombstone(ctx, func(word string) error {
		if !e.learn(word) {
			bad++
		}
		return nil
	})
	if err != nil {
		return err
	}
	if bad > 0 && e.Logger != nil {
		e.Logger.Warn("the ledger in Redis has tombstones that cannot be read; a newer gateway may have written them", "number", bad)
	}
	e.stamp.Store(stamp) // of before they were read: what came meanwhile is read again
	e.known.open()
	return nil
}

// Unwritten implements Ledger.
func (l *Ledger) Unwritten(id [16]byte, person string) bool { return l.unwritten.Has(id, person) }
