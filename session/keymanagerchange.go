package session

import (
	"context"
	"time"
)

// maxAdded is the number of keys at which AddKey adds no more. Rotation by age
// goes on.
const maxAdded = keyFileKeys / 2

// KeyChange is the result of a change of the keys. It holds no secret.
type KeyChange struct {
	Key       string    // the id of the new key, as in logs
	Seals     time.Time // when it begins to seal
	Withdrawn int       // how many keys open nothing any more
}

// AddKey generates a key before its time. The key seals after fifteen minutes,
// as after any rotation, and no session ends. If a new key is already waiting,
// AddKey returns that one. It fails with ErrConfigured after Join, with
// ErrManyKeys, and with the errors of Open.
func (k *KeyManager) AddKey(ctx context.Context) (KeyChange, error) {
	return k.changeKeys(ctx, func(file keyFile, now time.Time) (keyFile, error) {
		switch newest := len(file.Keys) - 1; {
		case file.sealing(now) != newest && !file.Keys[newest].Created.After(now):
			return file, nil
		case len(file.Keys) >= maxAdded:
			return file, ErrManyKeys
		}
		return file.with(newStoredKey(now)), nil
	})
}

// RetireNow replaces all keys with a new one at once: values sealed with the
// old keys do not open any more, here from now on, and on other gateways that
// share the storage within about a minute, when they have read the keys. It is
// for a leaked key, and signs every visitor out. Its errors are those of
// AddKey.
func (k *KeyManager) RetireNow(ctx context.Context) (KeyChange, error) {
	return k.changeKeys(ctx, func(_ keyFile, now time.Time) (keyFile, error) {
		return newKeyFile(now), nil
	})
}

func (k *KeyManager) changeKeys(ctx context.Context, do func(keyFile, time.Time) (keyFile, error)) (KeyChange, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.configured != nil {
		return KeyChange{}, ErrConfigured
	}
	if k.ring == nil {
		if _, err := k.open(ctx); err != nil {
			return KeyChange{}, err
		}
	}
	var changed KeyChange
	err := k.change(ctx, func(file keyFile) (keyFile, error) {
		now := time.Now()
		rotate, keep := k.times()
		file, _ = file.next(now, rotate, keep)
		next, err := do(file, now)
		if err != nil {
			return file, err
		}
		newest := next.Keys[len(next.Keys)-1]
		changed = KeyChange{Key: newest.ID, Seals: newest.Created}
		if len(next.Keys) > 1 {
			changed.Seals = newest.Created.Add(keyGrace)
		} else {
			changed.Withdrawn = len(file.Keys)
		}
		return next, nil
	})
	return changed, err
}
