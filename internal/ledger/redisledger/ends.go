package redisledger

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// ends holds the tombstones in Redis that an instance knows.
type ends struct {
	*server
	sessions  ledger.EndedSessions
	persons   ledger.EndedPersons
	bans      bans
	announced announced
	known     latch                     // shut from Start until the tombstones are read
	stamp     atomic.Value              // string: the stamp of the last change of the tombstones before they were last read
	read      atomic.Pointer[time.Time] // when they were last read, or found unchanged
}

// learn adds one tombstone, and reports whether the word is one.
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

// loadTombstones reads the bans, and the tombstones that have not expired, unless
// none has changed since they were last read. A change has a stamp, not a
// number: a failover can lose one change and gain another (attack: an ended
// session is still accepted on an instance that missed its end).
func (e *ends) loadTombstones(ctx context.Context) error {
	begun := time.Now()
	_, bans := e.loadBans(ctx) // those that cannot be read must not hide the ends of sessions
	if err := errors.Join(bans, e.loadEnded(ctx)); err != nil {
		return err
	}
	e.read.Store(&begun)
	e.known.open()
	return nil
}

// loadEnded reads the tombstones.
func (e *ends) loadEnded(ctx context.Context) error {
	once, cancel := e.once(ctx)
	defer cancel()
	stamp, err := e.Client.HGet(once, e.key("meta"), "ends").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return e.failed("reading the tombstones", err)
	}
	if read := e.stamp.Load(); read == stamp {
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
	e.stamp.Store(stamp) // the stamp from before the reading: later tombstones are read again
	return nil
}

// tombstonesStep is how many tombstones are read at once.
const tombstonesStep = 10000

// eachTombstone calls fn for every word that has not expired. A word may be
// given twice.
//
// Each step begins at the second at which the last one ended, not at an offset:
// words expire all the time, and with an offset as many valid words would be
// skipped (attack: an ended session that comes back).
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
		// All words of that second come again: ask for as many more.
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
