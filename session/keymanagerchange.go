package session

import (
	"context"
	"time"
)

// maxAdded is the number of keys from which on AddKey adds no more. Rotation by age
// goes on.
const maxAdded = keyFileKeys / 2

// KeyChange says what became of the keys. Nothing in it is secret.
type KeyChange struct {
	Key       string    // the id of the new key, as logs have it
	Seals     time.Time // the moment from which it seals
	Withdrawn int       // how many keys open nothing from now on
}

// AddKey generates a key before it is time to. It seals after fifteen minutes, as
// after any rotation, and logs nobody out. Where a key is on its way already, that
// is the one. It fails with ErrConfigured after Join, with ErrManyKeys, and with the
// errors of Open.
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

// RetireNow replaces all keys by a new one, at once: what the old ones sealed opens
// no more, here from now on and on others that share the storage within a minute or
// so, when they have read the keys. It is for a key that leaked, and logs everybody
// out. Errors are those of AddKey.
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
