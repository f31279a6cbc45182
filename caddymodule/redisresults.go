package caddymodule

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/session"
)

// redisResults lets the instances of a fleet share how a dance ended.
type redisResults struct {
	client redis.UniversalClient
	prefix string
}

// redisCall bounds one call.
const redisCall = time.Second

func (s redisResults) key(kind, key string) string { return s.prefix + kind + ":" + key }

// Claim implements gate.Shared. Two gateways may ask for times that differ by as
// much as their clocks.
func (s redisResults) Claim(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, redisCall)
	defer cancel()
	return takeRedis(ctx, s.client, s.key("c", key), "1", ttl, ttl+session.MaxSkew)
}

// Release implements gate.Shared.
func (s redisResults) Release(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(ctx, redisCall)
	defer cancel()
	return s.client.Del(ctx, s.key("c", key)).Err()
}

// Put implements gate.Shared.
func (s redisResults) Put(ctx context.Context, key, value string, ttl time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, redisCall)
	defer cancel()
	return s.client.Set(ctx, s.key("d", key), value, ttl).Err()
}

// Get implements gate.Shared. Only Redis' own "no such key" means none.
func (s redisResults) Get(ctx context.Context, key string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, redisCall)
	defer cancel()
	value, err := s.client.Get(ctx, s.key("d", key)).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	return value, err
}

var _ gate.Shared = redisResults{}
