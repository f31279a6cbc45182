package session

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"time"
)

// Join returns a ring of configured secrets, as NewRing does, with the kept keys
// behind them: those only open. An operator who begins to configure keys signs
// nobody out. Where nothing is kept, nothing is made. Errors are those of NewRing
// and Open.
//
// The kept keys leave the ring half an hour and Keep after configured keys began to
// seal, when nothing lives that they sealed (attack: a key of before, which is looked
// after no more, opens sessions for ever). The storage remembers when that was;
// Refresh and Run keep time. One that cannot be written is no reason not to serve:
// the time then begins anew with each KeyManager.
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

// rejoin is Refresh where keys are configured.
func (k *KeyManager) rejoin(ctx context.Context) error {
	file, err := k.read(ctx)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// Nothing was kept, or it was removed by hand: what is on the ring stays
		// until it is retired or the configuration is loaded again.
		return k.adopt(k.file)
	case err != nil:
		return errors.Join(err, k.adopt(k.file)) // time goes on all the same
	}
	return k.adopt(k.marked(ctx, file))
}

// marked returns a file that says since when configured keys seal. Where it does not
// say so yet, the storage is told.
func (k *KeyManager) marked(ctx context.Context, file keyFile) keyFile {
	if len(file.Keys) == 0 {
		return file
	}
	now := time.Now()
	if _, ok := file.supersededAt(now); ok {
		return file
	}
	err := k.change(ctx, func(stored keyFile) (keyFile, error) {
		// Again, under the lock: another gateway may have said so.
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
		k.log().WarnContext(ctx, "the storage cannot be told that session keys are configured; generated keys go on opening until this server has run for the lifetime of a session",
			"name", k.Name, "error", err)
	}
	file.Superseded = k.unmarked
	return file
}

// since returns the moment from which configured keys seal instead of those of the
// file: now, or when this KeyManager failed to say so for the first time.
func (k *KeyManager) since(file keyFile, now time.Time) time.Time {
	file.Superseded = k.unmarked
	if at, ok := file.supersededAt(now); ok {
		return at
	}
	return wholeSecond(now)
}
