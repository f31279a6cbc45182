package redisledger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// crowded fills a store with tombstones: n that end at the second given by
// untilOf.
func crowded(t *testing.T, r *Ledger, n int, untilOf func(i int) int64) {
	t.Helper()
	var all []redis.Z
	for i := range n {
		var id [16]byte
		binary.BigEndian.PutUint64(id[:], uint64(i))
		until := untilOf(i)
		all = append(all, redis.Z{Score: float64(until), Member: sessionTombstone(id, until)})
	}
	err := errors.Join(r.Client.ZAdd(t.Context(), r.key("ended"), all...).Err(),
		r.Client.HSet(t.Context(), r.key("meta"), "ended", n).Err())
	if err != nil {
		t.Fatal(err)
	}
}

// missing returns the numbers of the tombstones that the instance does not
// know.
func missing(r *Ledger, from, n int) (missing []int) {
	for i := from; i < n; i++ {
		var id [16]byte
		binary.BigEndian.PutUint64(id[:], uint64(i))
		if !r.Ended(id) {
			missing = append(missing, i)
		}
	}
	return missing
}

// forgetful removes the oldest tombstones after the first step, as other
// instances do once they are past.
type forgetful struct {
	key   string
	n     int
	steps int
}

func (*forgetful) DialHook(next redis.DialHook) redis.DialHook { return next }
func (*forgetful) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (f *forgetful) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if strings.HasPrefix(cmd.Name(), "zrange") {
			if f.steps++; f.steps == 1 {
				return errors.Join(err, next(ctx, redis.NewIntCmd(ctx, "zremrangebyrank", f.key, 0, f.n-1)))
			}
		}
		return err
	}
}

// Attack: an ended session comes back. Tombstones are forgotten while they are
// read in steps; none that is in force may be passed over for that. Not in
// parallel: miniredis is busy with so many, and other tests count seconds.
func TestRedisTombstonesForgottenWhileReading(t *testing.T) {
	const n, forgotten = tombstonesStep + 100, 50
	c := miniClient(t)
	r := New(Options{Client: c, Timeout: 20 * time.Second})
	defer r.Close()
	now := time.Now().Unix()
	crowded(t, r, n, func(i int) int64 { return now + 60 + int64(i) })
	c.AddHook(&forgetful{key: r.key("ended"), n: forgotten})
	if err := r.ends.loadTombstones(t.Context()); err != nil {
		t.Fatal(err)
	}
	if lost := missing(r, forgotten, n); len(lost) != 0 {
		t.Errorf("%d tombstones are passed over: %v", len(lost), lost)
	}
}

// More of one second than a step has, with others before and after.
func TestRedisTombstonesOfOneSecond(t *testing.T) {
	const n = 2*tombstonesStep + 7
	r := New(Options{Client: miniClient(t), Timeout: 20 * time.Second})
	defer r.Close()
	now := time.Now().Unix()
	crowded(t, r, n, func(i int) int64 {
		switch {
		case i < 2000:
			return now + 60 + int64(i)
		case i < n-2000:
			return now + 10000
		}
		return now + 20000 + int64(i)
	})
	if err := r.ends.loadTombstones(t.Context()); err != nil {
		t.Fatal(err)
	}
	if lost := missing(r, 0, n); len(lost) != 0 {
		t.Errorf("%d tombstones are passed over", len(lost))
	}
	given := map[ledger.Tombstone]bool{}
	if err := r.WalkEnded(t.Context(), func(g ledger.Tombstone) error { given[g] = true; return nil }); err != nil || len(given) != n {
		t.Errorf("%d are walked, %v", len(given), err)
	}
}

// An export that leaves out what it cannot read would bring ended sessions
// back.
func TestRedisWalkEndedCorrupt(t *testing.T) {
	t.Parallel()
	r := New(Options{Client: miniClient(t)})
	defer r.Close()
	for i, word := range []string{"", "x", "s00.99999999999", fmt.Sprint("q", strings.Repeat("0", 32), ".99999999999")} {
		if err := r.Client.Del(t.Context(), r.key("ended")).Err(); err != nil {
			t.Fatal(err)
		}
		if err := r.Client.ZAdd(t.Context(), r.key("ended"), redis.Z{Score: 99999999999, Member: word}).Err(); err != nil {
			t.Fatal(err)
		}
		err := r.WalkEnded(t.Context(), func(g ledger.Tombstone) error { return fmt.Errorf("given: %+v", g) })
		if !errors.Is(err, ledger.ErrCorrupt) {
			t.Errorf("word %d: %v", i, err)
		}
	}
}
