package ledger

import (
	"context"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// A tombstone is, in the store and in announcements, one word: s, the session's id in hex; or p, the person's id, dot,
// the second up to which sessions are over; and in both cases a dot and the second until which that holds. The latter
// is also its score.

// tombstonesStep is how many are read at once.
const tombstonesStep = 10000

func sessionTombstone(id [16]byte, until int64) string {
	return "s" + hex.EncodeToString(id[:]) + "." + strconv.FormatInt(until, 10)
}

func personTombstone(id string, e goneUntil) string {
	return "p" + id + "." + strconv.FormatInt(e.at, 10) + "." + strconv.FormatInt(e.until, 10)
}

// bury takes in one tombstone, and says whether it is one.
func (r *Redis) bury(word string) bool {
	if word == "" || len(word) > 128 {
		return false
	}
	parts := strings.Split(word[1:], ".")
	until, err := parseSecond(parts[len(parts)-1])
	if err != nil {
		return false
	}
	switch {
	case word[0] == 's' && len(parts) == 2 && len(parts[0]) == 32:
		var id [16]byte
		if _, err := hex.Decode(id[:], []byte(parts[0])); err != nil {
			return false
		}
		r.ended.add(id, until)
	case word[0] == 'p' && len(parts) == 3 && validID(parts[0]):
		at, err := parseSecond(parts[1])
		if err != nil {
			return false
		}
		r.gone.add(parts[0], goneUntil{at: at, until: until})
	default:
		return false
	}
	return true
}

var errSecond = errors.New("ledger: no time")

func parseSecond(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > maxTime {
		return 0, errSecond
	}
	return n, nil
}

// EndSession implements Ledger. Other instances hear of it within Stale.
func (r *Redis) EndSession(ctx context.Context, id [16]byte, until time.Time) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.work.Done()
	end, ok := untilSecond(until)
	if !ok {
		return nil
	}
	r.ended.add(id, end) // first: here and now the session is over, whatever Redis says
	b := newBatch()
	word := sessionTombstone(id, end)
	b.end(word, end)
	b.news = string(sayEnded) + word
	_, err := r.write(ctx, b)
	return err
}

// Ended implements Ledger.
func (r *Redis) Ended(id [16]byte) bool { return r.ended.has(id) }

// EndPerson implements Ledger. Other instances hear of it within Stale.
func (r *Redis) EndPerson(ctx context.Context, person string, at, until time.Time) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.work.Done()
	if !validID(person) {
		return ErrNotFound
	}
	e, ok := goneTimes(at, until)
	if !ok {
		return nil
	}
	r.gone.add(person, e) // first, as above
	return r.rounds(ctx, func() (plan, error) {
		v, err := r.look(ctx, query{id: person})
		if err != nil {
			return plan{}, err
		}
		b, ids := newBatch(), []string{person}
		if p := v.id.person; p != nil {
			ids = p.allIDs(person)
			b.expectPerson(v.id)
		} else {
			b.expect(tablePerson, person, "")
			b.expect(tableAlias, person, "")
		}
		var words []string
		for _, id := range ids {
			words = append(words, personTombstone(id, e))
			b.end(words[len(words)-1], e.until)
			r.gone.add(id, e)
		}
		b.news = string(sayEnded) + strings.Join(words, " ")
		return plan{batch: b, names: ids}, nil
	}, func() {})
}

// PersonEnded implements Ledger.
func (r *Redis) PersonEnded(person string) time.Time { return r.gone.has(person) }

// loadTombstones reads those still in force, if there are any that this instance has not heard of.
func (r *Redis) loadTombstones(ctx context.Context) error {
	once, cancel := r.once(ctx)
	defer cancel()
	seen := r.tombstones.Load()
	n, err := r.Client.HGet(once, r.key("meta"), "ended").Int64()
	if errors.Is(err, redis.Nil) {
		n, err = 0, nil
	}
	if err != nil || n == seen {
		return r.failed("reading the tombstones", err)
	}
	bad, from := 0, "("+strconv.FormatInt(time.Now().Unix(), 10)
	for offset := int64(0); ; offset += tombstonesStep {
		words, err := r.tombstonesFrom(ctx, from, offset)
		if err != nil {
			return r.failed("reading the tombstones", err)
		}
		for _, word := range words {
			if !r.bury(word) {
				bad++
			}
		}
		if len(words) < tombstonesStep {
			break
		}
	}
	if bad > 0 && r.Logger != nil {
		r.Logger.Warn("the ledger in Redis has tombstones that cannot be read; a newer gateway may have written them", "number", bad)
	}
	r.tombstones.CompareAndSwap(seen, n)
	return nil
}

func (r *Redis) tombstonesFrom(ctx context.Context, from string, offset int64) ([]string, error) {
	once, cancel := r.once(ctx)
	defer cancel()
	return r.Client.ZRangeArgs(once, redis.ZRangeArgs{
		Key: r.key("ended"), Start: from, Stop: "+inf", ByScore: true, Offset: offset, Count: tombstonesStep,
	}).Result()
}
