package redisledger

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// redeliverBatch is how many dead letters are taken away in one step: a write
// that comes in between must not wait long.
const redeliverBatch = 500

// Waiting implements Outbox.
func (l *Ledger) Waiting(ctx context.Context, target string) (waiting, dead int, err error) {
	if err := l.beginTarget(ctx, target); err != nil {
		return 0, 0, err
	}
	defer l.work.Done()
	ctx, cancel := l.once(ctx)
	defer cancel()
	keys := l.queueKeys(target)
	var n [2]*redis.IntCmd
	_, err = l.Client.Pipelined(ctx, func(p redis.Pipeliner) error {
		n[0] = p.ZCard(ctx, keys[2])
		n[1] = p.ZCount(ctx, keys[6], "("+deadSince(), "+inf")
		return nil
	})
	l.answer(err)
	if err != nil {
		return 0, 0, l.failed("counting the outbox", err)
	}
	return int(n[0].Val()), int(n[1].Val()), nil
}

// Oldest implements Outbox.
func (l *Ledger) Oldest(ctx context.Context, target string) (time.Time, error) {
	if err := l.beginTarget(ctx, target); err != nil {
		return time.Time{}, err
	}
	defer l.work.Done()
	ctx, cancel := l.once(ctx)
	defer cancel()
	keys := l.queueKeys(target)
	ids, err := l.Client.ZRange(ctx, keys[2], 0, oldestRead-1).Result()
	var entries []any
	if err == nil && len(ids) > 0 {
		entries, err = l.Client.HMGet(ctx, keys[0], ids...).Result()
	}
	l.answer(err)
	if err != nil {
		return time.Time{}, l.failed("reading the oldest event", err)
	}
	for _, entry := range entries {
		if text, ok := entry.(string); ok { // otherwise it was delivered between the two calls
			d, err := parseDelivery("", text)
			return d.At, err
		}
	}
	return time.Time{}, nil
}

// oldestRead is how many of the oldest events Oldest reads, some of which may
// be delivered meanwhile.
const oldestRead = 8

// deadSince returns the earliest burial, in ms, of a dead letter that is kept.
func deadSince() string { return strconv.FormatInt(time.Now().Add(-ledger.DeadFor).UnixMilli(), 10) }

// Dead implements Outbox.
func (l *Ledger) Dead(ctx context.Context, target, after string, limit int) ([]ledger.Delivery, error) {
	if err := l.beginTarget(ctx, target); err != nil {
		return nil, err
	}
	defer l.work.Done()
	ctx, cancel := l.once(ctx)
	defer cancel()
	got, err := deadScript.Run(ctx, l.Client, l.queueKeys(target), after, deadSince(), ledger.ClampLimit(limit)).StringSlice()
	if errors.Is(err, redis.Nil) {
		return nil, ledger.ErrNotFound
	}
	l.answer(err)
	if err != nil {
		return nil, l.failed("reading dead letters", err)
	}
	var all []ledger.Delivery
	for _, value := range got {
		d, err := parseDead(value)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// parseDead reads a dead letter: number, state, line feed, entry.
func parseDead(value string) (ledger.Delivery, error) {
	head, entry, ok := strings.Cut(value, "\n")
	_, state, numbered := strings.Cut(head, " ")
	if !ok || !numbered || state == "" {
		return ledger.Delivery{}, ledger.Corrupt("a dead letter cannot be decoded")
	}
	return parseDelivery(state, entry)
}

// Redeliver implements Outbox.
func (l *Ledger) Redeliver(ctx context.Context, target, id string) (int, error) {
	return l.eachDead(ctx, target, id, "back", l.wake)
}

// Purge implements Outbox.
func (l *Ledger) Purge(ctx context.Context, target, id string) (int, error) {
	return l.eachDead(ctx, target, id, "purge", func(int) {})
}

// eachDead does a step with a dead letter, or with all that are there now. then
// is called with the number of letters that each write took away. It returns
// their number.
func (l *Ledger) eachDead(ctx context.Context, target, id, step string, then func(n int)) (total int, err error) {
	if err := l.beginTarget(ctx, target); err != nil {
		return 0, err
	}
	defer l.work.Done()
	if id != "" {
		if !ledger.ValidID(id) {
			return 0, nil
		}
		return l.takeDead(ctx, target, step, []string{id}, then)
	}
	end, left := time.Now().UnixMilli(), 0 // left counts letters that stay
	for {
		ids, err := l.buried(ctx, target, end, left)
		if err != nil || len(ids) == 0 {
			return total, err
		}
		n, err := l.takeDead(ctx, target, step, ids, then)
		total, left = total+n, left+len(ids)-n
		if err != nil {
			return total, err
		}
	}
}

// buried returns the ids of some dead letters that were buried until end,
// oldest first. It skips the first skip ones.
func (s *server) buried(ctx context.Context, target string, end int64, skip int) (ids []string, err error) {
	ctx, cancel := s.once(ctx)
	defer cancel()
	members, err := s.Client.ZRangeArgs(ctx, redis.ZRangeArgs{
		Key: s.queueKeys(target)[6], Start: "(" + deadSince(), Stop: end, ByScore: true, Offset: int64(skip), Count: redeliverBatch,
	}).Result()
	s.answer(err)
	for _, m := range members {
		_, id, _ := strings.Cut(m, ":")
		ids = append(ids, id)
	}
	return ids, s.failed("reading dead letters", err)
}

// takeDead does a step with dead letters in one write.
func (l *Ledger) takeDead(ctx context.Context, target, step string, ids []string, then func(n int)) (int, error) {
	b := newBatch()
	first := b.use(l.queueKeys(target)...)
	for _, id := range ids {
		b.step(step, first, id)
	}
	b.tally(&l.server) // an operator must not read that nothing was removed
	_, n, err := l.write(ctx, b)
	then(n)
	return n, err
}

// Lease implements Outbox. Redis measures the time. A full Redis that drops
// keys with a TTL (a maxmemory-policy of volatile-*) may end a lease early, and
// then two senders send the same event.
func (l *Ledger) Lease(ctx context.Context, target, name string, ttl time.Duration) (bool, error) {
	err := l.lease(ctx, target, name, "lease", max(ttl.Milliseconds(), 1))
	if errors.Is(err, errLeased) {
		return false, nil
	}
	return err == nil, err
}

// Release implements Outbox.
func (l *Ledger) Release(ctx context.Context, target, name string) error {
	return l.lease(ctx, target, name, "release")
}

func (l *Ledger) lease(ctx context.Context, target, name, step string, args ...any) error {
	if err := l.beginTarget(ctx, target); err != nil {
		return err
	}
	defer l.work.Done()
	if err := ledger.CheckOwner(name); err != nil {
		return err
	}
	b := newBatch()
	b.step(step, b.use(l.key("out:"+target+":lease")), append([]any{name}, args...)...)
	_, _, err := l.write(ctx, b)
	return err
}
