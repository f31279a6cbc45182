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
func (k *Keeper) Join(ctx context.Context, secrets ...string) (*Ring, error) {
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
	all := make([][]byte, 0, len(secrets)+len(file.Keys))
	for _, secret := range secrets {
		all = append(all, []byte(secret))
	}
	if err == nil {
		now := time.Now()
		_, keep := k.times()
		all = append(all, file.alive(now, keep).secrets(now)...)
	}
	ring = cmp.Or(k.Ring, ring)
	return ring, ring.replace(all)
}
