package fleetredis

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/session"
)

// Shared lets the gateways of a fleet share the results of sign-ins.
type Shared struct {
	Client redis.UniversalClient
	Prefix string // of the keys
}

// timeout bounds one call to Redis.
const timeout = time.Second

func (s Shared) key(kind, key string) string { return s.Prefix + kind + ":" + key }

// Claim implements signin.Shared. The times that two gateways ask for may
// differ by as much as their clocks.
func (s Shared) Claim(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return take(ctx, s.Client, s.key("c", key), "1", ttl, ttl+session.MaxSkew)
}

// Release implements signin.Shared.
func (s Shared) Release(ctx context.Context, key string) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	_ = s.Client.Del(ctx, s.key("c", key)) // if this fails, the claim expires
}

// Put implements signin.Shared.
func (s Shared) Put(ctx context.Context, key, value string, ttl time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return s.Client.Set(ctx, s.key("d", key), value, ttl).Err()
}

// Get implements signin.Shared. Only Redis' own "no such key" means that there
// is no result.
func (s Shared) Get(ctx context.Context, key string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	value, err := s.Client.Get(ctx, s.key("d", key)).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	return value, err
}
