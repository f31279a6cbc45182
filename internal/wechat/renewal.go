package wechat

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// renewal returns a loan that serves: the one that another instance has stored, or
// one from WeChat, which is asked under the lock of the store.
func (k *tokenKeeper) renewal(ctx context.Context, refused Secret) (accountToken, error) {
	for {
		stored, err := k.load(ctx)
		if err != nil {
			return k.alone(ctx, refused, err)
		}
		if stored.serves(time.Now(), refused) {
			return stored, nil
		}
		if err := k.paused(); err != nil {
			return accountToken{}, err
		}
		unlock, ok, err := k.store.Lock(ctx, k.key, lockTTL)
		if err != nil {
			return k.alone(ctx, refused, err)
		}
		if ok {
			return k.locked(ctx, refused, unlock)
		}
		if !sleep(ctx, lockPoll) {
			return accountToken{}, k.ep.fail(RemedyUnavailable, "another instance did not finish in time")
		}
	}
}

// locked is the renewal of the only one who may ask.
func (k *tokenKeeper) locked(ctx context.Context, refused Secret, unlock func()) (accountToken, error) {
	defer unlock()
	stored, err := k.load(ctx) // somebody may have saved it before we had the lock
	if err != nil {
		return k.alone(ctx, refused, err)
	}
	if stored.serves(time.Now(), refused) {
		return stored, nil
	}
	fresh, err := k.ask(ctx, false)
	if err != nil {
		return accountToken{}, err
	}
	fresh.forced, fresh.forces = stored.forced, stored.forces
	if fresh.value == stored.value {
		fresh.stuck = stored.stuck
	}
	if !refused.IsZero() && fresh.value == refused && k.forces && fresh.mayForce(time.Now()) {
		fresh, err = k.force(ctx, fresh)
	}
	k.save(ctx, fresh)
	if err == nil && fresh.value == refused {
		err = k.ep.fail(RemedyRenew, "WeChat refuses the newest one it gives")
		k.pause(err)
	}
	if err != nil {
		return accountToken{}, err
	}
	return fresh, nil
}

// alone is the renewal of an instance that cannot reach the store. WeChat gives
// every asker the same token, so asking is safe; forcing is not: instances that do
// not know of each other would kill each other's tokens in turn.
func (k *tokenKeeper) alone(ctx context.Context, refused Secret, why error) (accountToken, error) {
	if err := k.paused(); err != nil {
		return accountToken{}, err
	}
	k.logger.LogAttrs(ctx, slog.LevelWarn, "the fleet's store of tokens does not answer", slog.String("key", k.key), slog.Any("error", why))
	fresh, err := k.ask(ctx, false)
	if err == nil && fresh.value == refused {
		err = k.ep.fail(RemedyRenew, "WeChat refuses the newest one it gives")
		k.pause(err)
	}
	if err != nil {
		return accountToken{}, err
	}
	return fresh, nil
}

// force makes WeChat give another value than l's. The fleet knows that it was
// tried before it is: else each instance would try, and kill the others' tokens.
func (k *tokenKeeper) force(ctx context.Context, l accountToken) (accountToken, error) {
	l.tried(time.Now())
	if !k.save(ctx, l) {
		return l, nil
	}
	fresh, err := k.ask(ctx, true)
	if err != nil {
		return l, err
	}
	fresh.forced, fresh.forces, fresh.stuck = l.forced, l.forces, fresh.value == l.value
	return fresh, nil
}

// ask asks WeChat, three times if it is busy or cannot be reached. A forced
// renewal is asked for once: it may have been done.
func (k *tokenKeeper) ask(ctx context.Context, force bool) (accountToken, error) {
	for wait := 200 * time.Millisecond; ; wait *= 4 {
		start := time.Now() // the value is at least this old when it arrives
		value, life, err := k.fetch(ctx, force)
		if err == nil {
			k.logger.LogAttrs(ctx, slog.LevelDebug, "fetched from WeChat", slog.String("key", k.key),
				slog.Duration("life", life), slog.Bool("forced", force))
			return accountToken{value: value, fetched: start, expires: start.Add(life)}, nil
		}
		if force || wait > time.Second || !passing(err) || !sleep(ctx, wait) {
			if k.life.Err() == nil { // else this is the end, no failure of WeChat's
				k.pause(err)
			}
			return accountToken{}, err
		}
	}
}

// load returns what the store keeps, an empty loan if that is nothing that makes
// sense.
func (k *tokenKeeper) load(ctx context.Context) (accountToken, error) {
	text, err := k.store.Load(ctx, k.key)
	if err != nil || text.IsZero() {
		return accountToken{}, err
	}
	l, ok := parseLoan(text, k.key, time.Now())
	if !ok {
		k.logger.LogAttrs(ctx, slog.LevelWarn, "the fleet's store has a record that is none", slog.String("key", k.key))
	}
	return l, nil
}

// save gives the loan to the others. Without it they fetch for themselves.
func (k *tokenKeeper) save(ctx context.Context, l accountToken) bool {
	err := k.store.Save(ctx, k.key, l.record(k.key), l.expires)
	if err != nil {
		k.logger.LogAttrs(ctx, slog.LevelWarn, "not stored for the fleet", slog.String("key", k.key), slog.Any("error", err))
	}
	return err == nil
}

// sleep waits, and reports false if ctx ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// passing reports whether the same question may be answered in a second.
func passing(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Remedy == RemedyRetry || e.Remedy == RemedyUnavailable || e.Remedy == RemedyUncertain)
}

// pauseAfter returns how long WeChat is left alone after an error (protocol facts,
// sections E3 and I).
func pauseAfter(err error) time.Duration {
	e, ok := errors.AsType[*Error](err)
	switch {
	case !ok:
		return time.Minute
	case e.Code == 89506: // an administrator refused our address
		return 24 * time.Hour
	case e.Remedy == RemedyStop, e.Code == 89507:
		return time.Hour
	case e.Remedy == RemedyBackoff: // each question sends the administrator a message
		return 10 * time.Minute
	case passing(err):
		return 2 * time.Second
	case e.Remedy == RemedyRenew:
		return forceEvery
	}
	return time.Minute // too frequent, or until the operator has mended it
}
