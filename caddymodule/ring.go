package caddymodule

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wechat/gateway/session"
)

// pooledRing is one key ring for as long as its configuration stays the same.
// Parts that outlive a reload, such as the cache of a Redis store, refer to it,
// while each App's own key manager keeps it up to date.
type pooledRing struct{ session.Ring }

// Destruct does nothing: the ring is garbage after its last holder.
func (*pooledRing) Destruct() error { return nil }

// ringKey returns the pool key of the ring, a hash of its configured keys.
func (a *App) ringKey() string {
	sum := sha256.Sum256([]byte(strings.Join(a.keys, "\x00")))
	return "ring:" + hex.EncodeToString(sum[:])
}

// openRing joins or makes the key ring, and reads the stored keys into it.
func (a *App) openRing(ctx context.Context) (ring *session.Ring, release func() error, err error) {
	key := a.ringKey()
	value, _, err := pool.LoadOrNew(key, func() (caddy.Destructor, error) { return new(pooledRing), nil })
	if err != nil {
		return nil, nil, err
	}
	release = func() error {
		_, err := pool.Delete(key)
		return err
	}
	ring = &value.(*pooledRing).Ring
	if err := a.openKeys(ctx, ring); err != nil {
		return nil, nil, errors.Join(err, release())
	}
	return ring, release, nil
}

// openKeys fills the ring: with the configured keys followed by the generated
// ones until these are retired, or with the generated keys alone. The key
// manager maintains both.
func (a *App) openKeys(ctx context.Context, ring *session.Ring) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	keeper := &session.KeyManager{
		Storage: a.storage,
		Name:    keysName,
		Keep:    a.policy.Lifetime,
		Ring:    ring,
		Logger:  a.logger.With(slog.String("part", "keys")),
	}
	var err error
	if len(a.keys) > 0 {
		_, err = keeper.Join(ctx, a.keys...)
	} else {
		_, err = keeper.Open(ctx)
	}
	if err != nil {
		return err
	}
	a.keeper = keeper
	return nil
}
