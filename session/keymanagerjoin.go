package session

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"time"
)

// Join returns a ring of configured secrets, as NewRing does, with the stored
// keys behind them, which only open. So no visitor is signed out when an
// operator begins to configure keys. If no keys are stored, Join makes none.
// Its errors are those of NewRing and Open.
//
// The stored keys leave the ring half an hour and Keep after configured keys
// began to seal, when every value that they sealed has expired (attack: an old
// key that is no longer guarded opens sessions for ever). The storage records
// when that was; Refresh and Run watch the time. If the storage cannot be
// written, serving goes on, and the time starts again with each KeyManager.
func (k *KeyManager) Join(ctx context.Context, secrets ...string) (*Ring, error) {
	ring, err := NewRing(secrets...)
	if err != nil {
		return nil, err
	}
	if err := k.check(); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	file, err := k.read(ctx)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	k.configured = make([][]byte, 0, len(secrets))
	for _, configured := range ring.all() {
		k.configured = append(k.configured, configured.secret)
	}
	k.ring = cmp.Or(k.ring, k.Ring, ring)
	if err := k.adopt(k.marked(ctx, file)); err != nil {
		return nil, err
	}
	return k.ring, nil
}

// rejoin is Refresh when keys are configured.
func (k *KeyManager) rejoin(ctx context.Context) error {
	file, err := k.read(ctx)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// No keys are stored, or they were removed by hand: the keys on the
		// ring stay until they are retired or the configuration is loaded
		// again.
		return k.adopt(k.file)
	case err != nil:
		return errors.Join(err, k.adopt(k.file)) // keys age without the storage too
	}
	return k.adopt(k.marked(ctx, file))
}

// marked returns a file that records since when configured keys seal. If the
// file does not record it yet, marked stores it.
func (k *KeyManager) marked(ctx context.Context, file keyFile) keyFile {
	if len(file.Keys) == 0 {
		return file
	}
	now := time.Now()
	if _, ok := file.supersededAt(now); ok {
		return file
	}
	err := k.change(ctx, func(stored keyFile) (keyFile, error) {
		// Again, under the lock: another gateway may have recorded it.
		if _, ok := stored.supersededAt(now); !ok {
			stored.Superseded = k.since(stored, now)
		}
		file = stored
		return stored, nil
	})
	if err == nil {
		return file
	}
	if since := k.since(file, now); !since.Equal(k.unmarked) {
		k.unmarked = since
		k.log().WarnContext(ctx, "could not record in the storage that session keys are configured; generated keys still open sessions until this server has run for the lifetime of a session",
			"name", k.Name, "error", err)
	}
	file.Superseded = k.unmarked
	return file
}

// since returns the moment from which configured keys seal instead of those of
// the file: now, or when this KeyManager first failed to record it.
func (k *KeyManager) since(file keyFile, now time.Time) time.Time {
	file.Superseded = k.unmarked
	if at, ok := file.supersededAt(now); ok {
		return at
	}
	return wholeSecond(now)
}
