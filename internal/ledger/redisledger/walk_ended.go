package redisledger

import (
	"context"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// tombstone is one word of the store.
type tombstone struct {
	person  string // "" for a session
	session [16]byte
	e       ledger.PersonEnd // at is 0 for a session
}

// parseTombstone reads a word; ok is false if it is none.
func parseTombstone(word string) (t tombstone, ok bool) {
	if word == "" || len(word) > 128 {
		return t, false
	}
	parts := strings.Split(word[1:], ".")
	until, err := parseSecond(parts[len(parts)-1])
	if err != nil {
		return t, false
	}
	t.e.Until = until
	switch {
	case word[0] == 's' && len(parts) == 2 && len(parts[0]) == 32:
		_, err = hex.Decode(t.session[:], []byte(parts[0]))
	case word[0] == 'p' && len(parts) == 3 && ledger.ValidID(parts[0]):
		t.person = parts[0]
		t.e.At, err = parseSecond(parts[1])
	default:
		return t, false
	}
	return t, err == nil
}

// eachTombstone gives every word that is in force to fn. A word may be given twice.
//
// Each step begins at the second at which the last one ended, not at a number of words: words are forgotten all the
// time, and by number as many that are in force would be passed over (attack: an ended session that comes back).
func (e *ends) eachTombstone(ctx context.Context, fn func(word string) error) error {
	from, skip := strconv.FormatInt(time.Now().Unix()+1, 10), 0
	for {
		words, err := e.tombstonesFrom(ctx, from, tombstonesStep+skip)
		if err != nil {
			return err
		}
		for _, z := range words {
			word, _ := z.Member.(string)
			if err := fn(word); err != nil {
				return err
			}
		}
		if len(words) < tombstonesStep+skip {
			return nil
		}
		last := words[len(words)-1].Score
		from = strconv.FormatFloat(last, 'f', -1, 64)
		// All of that second come again: ask for as many more.
		skip = len(words) - slices.IndexFunc(words, func(z redis.Z) bool { return z.Score == last })
	}
}

func (e *ends) tombstonesFrom(ctx context.Context, from string, count int) ([]redis.Z, error) {
	if err := e.begin(ctx); err != nil {
		return nil, err
	}
	defer e.work.Done()
	once, cancel := e.once(ctx)
	defer cancel()
	words, err := e.Client.ZRangeArgsWithScores(once, redis.ZRangeArgs{
		Key: e.key("ended"), Start: from, Stop: "+inf", ByScore: true, Count: int64(count),
	}).Result()
	return words, e.failed("reading the tombstones", err)
}

// WalkEnded implements Ledger. A person whom somebody ended twice is given twice. What cannot be read is ErrCorrupt: an
// export without it would bring ended sessions back.
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

// ImportEnded implements Ledger. Other instances hear of it within Stale.
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
	l.ends.learn(word) // first, as in EndSession
	b := newBatch()
	b.end(word, end)
	b.endNews = string(sayEnded) + word
	_, _, err := l.write(ctx, b)
	if t.Person == "" {
		return l.unwritten.Note(err, 0, string(t.Session[:]))
	}
	return l.unwritten.Note(err, t.At.Unix(), t.Person)
}
