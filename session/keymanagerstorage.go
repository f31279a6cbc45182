package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// read gets the keys from the storage. If there are none, the error is
// fs.ErrNotExist, and Open may make some; it also wraps ErrUnavailable, because
// for a running gateway the storage has lost them.
func (k *KeyManager) read(ctx context.Context) (keyFile, error) {
	ctx, cancel := context.WithTimeout(ctx, storageLimit)
	defer cancel()
	data, err := k.Storage.Load(ctx, k.Name)
	if err != nil {
		return keyFile{}, fmt.Errorf("%w: reading the keys %q: %w", ErrUnavailable, k.Name, err)
	}
	return parseKeyFile(data)
}

// create makes the first key, unless another gateway does so first.
func (k *KeyManager) create(ctx context.Context) (file keyFile, err error) {
	err = k.locked(ctx, func(ctx context.Context) error {
		// Again, under the lock: of all gateways that start at once, one makes
		// the key.
		file, err = k.read(ctx)
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		file = newKeyFile(time.Now())
		return k.write(ctx, file)
	})
	return file, err
}

// rotate adds a key and drops old ones, if it is time to and no other gateway
// has done so.
func (k *KeyManager) rotate(ctx context.Context, file keyFile) error {
	rotate, keep := k.times()
	if _, changed := file.next(time.Now(), rotate, keep); !changed {
		k.warnClock(ctx)
		return nil
	}
	return k.change(ctx, func(file keyFile) (keyFile, error) {
		if !file.Superseded.IsZero() {
			k.log().WarnContext(ctx, "session keys are generated on this gateway, but were configured before, or are configured on another gateway; all gateways must have the same keys", "name", k.Name)
		}
		next, _ := file.next(time.Now(), rotate, keep)
		return next, nil
	})
}

// change reads the keys while holding their lock, stores the result of do, if
// it differs, and puts it on the ring.
func (k *KeyManager) change(ctx context.Context, do func(keyFile) (keyFile, error)) error {
	return k.locked(ctx, func(ctx context.Context) error {
		file, err := k.read(ctx)
		if err != nil {
			return err
		}
		next, err := do(file)
		if err != nil {
			return err
		}
		if !next.same(file) {
			if err := k.write(ctx, next); err != nil {
				return err
			}
		}
		return k.adopt(next)
	})
}

// write stores the keys.
func (k *KeyManager) write(ctx context.Context, file keyFile) error {
	data, err := file.encode()
	if err != nil {
		return err
	}
	if err := k.Storage.Store(ctx, k.Name, data); err != nil {
		return fmt.Errorf("%w: writing the keys %q: %w", ErrUnavailable, k.Name, err)
	}
	newest := file.Keys[len(file.Keys)-1]
	k.log().InfoContext(ctx, "session keys written",
		"name", k.Name, "keys", len(file.Keys), "newest", newest.ID, "created", newest.Created)
	return nil
}

// locked runs do while holding the lock of the keys.
func (k *KeyManager) locked(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, storageLimit)
	defer cancel()
	if err := k.Storage.Lock(ctx, k.Name); err != nil {
		return fmt.Errorf("%w: locking the keys %q: %w", ErrUnavailable, k.Name, err)
	}
	defer func() {
		// Even when ctx is done: a lock that stays would block the others.
		free, cancel := context.WithTimeout(context.WithoutCancel(ctx), storageLimit)
		defer cancel()
		if err := k.Storage.Unlock(free, k.Name); err != nil {
			k.log().WarnContext(ctx, "the lock of the session keys could not be released",
				"name", k.Name, "error", err)
		}
	}()
	return do(ctx)
}

// warnClock warns when the newest key is from the future: rotation waits until
// the clocks agree.
func (k *KeyManager) warnClock(ctx context.Context) {
	newest := k.file.Keys[len(k.file.Keys)-1]
	if newest.Created.After(time.Now().Add(24 * time.Hour)) {
		k.log().WarnContext(ctx, "the newest session key is from the future; check the clocks of all gateways",
			"name", k.Name, "key", newest.ID, "created", newest.Created)
	}
}
