package redisledger

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/redistest"
)

// OpenRedis is testRedis, for tests that see the package from outside.
func OpenRedis(t testing.TB, c redis.UniversalClient, prefix string) *Redis {
	return testRedis(t, c, prefix, nil)
}

// Shared is what TestMain started.
func Shared() *redistest.Shared { return &shared }

// MiniClient is miniClient.
func MiniClient(t testing.TB) redis.UniversalClient { return miniClient(t) }

// Check is check, for tests that see the package from outside.
func (r *Redis) Check() error { return r.check() }

// Limit makes the outbox small.
func (r *Redis) Limit(waiting, dead int) { r.limits = ledger.Limits{Waiting: waiting, Dead: dead} }
