package wechat

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// renewal returns a usable token: one that another gateway has stored, or a new
// one from WeChat, fetched under the lock of the store.
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
			return accountToken{}, k.ep.fail(RemedyUnavailable, "another gateway did not finish in time")
		}
	}
}

// locked is the renewal under the lock of the store.
func (k *tokenKeeper) locked(ctx context.Context, refused Secret, unlock func()) (accountToken, error) {
	defer unlock()
	stored, err := k.load(ctx) // another gateway may have saved it before this one had the lock
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
		err = k.ep.fail(RemedyRenew, "WeChat refuses the newest token that it issued")
		k.pause(err)
	}
	if err != nil {
		return accountToken{}, err
	}
	return fresh, nil
}

// alone is the renewal of a gateway that cannot reach the store. WeChat returns
// the same token to every gateway, so fetching is safe. Forcing is not:
// gateways without a store would invalidate each other's tokens in turn.
func (k *tokenKeeper) alone(ctx context.Context, refused Secret, why error) (accountToken, error) {
	if err := k.paused(); err != nil {
		return accountToken{}, err
	}
	k.logger.LogAttrs(ctx, slog.LevelWarn, "the shared token store does not answer", slog.String("key", k.key), slog.Any("error", why))
	fresh, err := k.ask(ctx, false)
	if err == nil && fresh.value == refused {
		err = k.ep.fail(RemedyRenew, "WeChat refuses the newest token that it issued")
		k.pause(err)
	}
	if err != nil {
		return accountToken{}, err
	}
	return fresh, nil
}

// force makes WeChat issue another value than l's. It first stores that it
// tries; otherwise each gateway would try and invalidate the others' tokens.
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

// ask fetches from WeChat, up to three times if WeChat is busy or cannot be
// reached. It tries a forced renewal only once, because WeChat may have done
// it.
func (k *tokenKeeper) ask(ctx context.Context, force bool) (accountToken, error) {
	for wait := 200 * time.Millisecond; ; wait *= 4 {
		start := time.Now() // the value is at least this old when it arrives
		value, life, err := k.fetch(ctx, force)
		if err == nil {
			k.logger.LogAttrs(ctx, slog.LevelDebug, "account token fetched from WeChat", slog.String("key", k.key),
				slog.Duration("life", life), slog.Bool("forced", force))
			return accountToken{value: value, fetched: start, expires: start.Add(life)}, nil
		}
		if force || wait > time.Second || !passing(err) || !sleep(ctx, wait) {
			if k.life.Err() == nil { // otherwise the keeper is closed and WeChat did not fail
				k.pause(err)
			}
			return accountToken{}, err
		}
	}
}

// load returns the token in the store, an empty one if the record is invalid.
func (k *tokenKeeper) load(ctx context.Context) (accountToken, error) {
	text, err := k.store.Load(ctx, k.key)
	if err != nil || text.IsZero() {
		return accountToken{}, err
	}
	l, ok := parseAccountToken(text, k.key, time.Now())
	if !ok {
		k.logger.LogAttrs(ctx, slog.LevelWarn, "the shared token store has an invalid record", slog.String("key", k.key))
	}
	return l, nil
}

// save stores the token for the other gateways. If it fails, they fetch their
// own.
func (k *tokenKeeper) save(ctx context.Context, l accountToken) bool {
	err := k.store.Save(ctx, k.key, l.record(k.key), l.expires)
	if err != nil {
		k.logger.LogAttrs(ctx, slog.LevelWarn, "could not store the token for the other gateways", slog.String("key", k.key), slog.Any("error", err))
	}
	return err == nil
}

// sleep waits. It returns false if ctx ends first.
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

// passing reports whether the same call may succeed in a second.
func passing(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Remedy == RemedyRetry || e.Remedy == RemedyUnavailable || e.Remedy == RemedyUncertain)
}

// pauseAfter returns the pause before the next call after an error
// (wechat-protocol E3, I1).
func pauseAfter(err error) time.Duration {
	e, ok := errors.AsType[*Error](err)
	switch {
	case !ok:
		return time.Minute
	case e.Code == 89506: // an administrator refused the gateway's address
		return 24 * time.Hour
	case e.Remedy == RemedyStop, e.Code == 89507:
		return time.Hour
	case e.Remedy == RemedyBackoff: // each call sends the administrator a message
		return 10 * time.Minute
	case passing(err):
		return 2 * time.Second
	case e.Remedy == RemedyRenew:
		return forceEvery
	}
	return time.Minute // too many calls, or until the operator has fixed the configuration
}
