package ledger

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// Check is check, for tests that see the package from outside.
func (b *Bolt) Check() error { return b.check() }

// Check is check, for tests that see the package from outside.
func (r *Redis) Check() error { return r.check() }

// WithoutSync makes tests fast where what the disk has does not matter.
func (b *Bolt) WithoutSync() { b.file.db.NoSync = true }

// OpenRedis is testRedis, for tests that see the package from outside.
func OpenRedis(t testing.TB, c redis.UniversalClient, prefix string) *Redis {
	return testRedis(t, c, prefix, nil)
}

// Limit makes the outbox small.
func (b *Bolt) Limit(waiting, dead int) { b.limits = limits{waiting, dead} }

// Limit makes the outbox small.
func (r *Redis) Limit(waiting, dead int) { r.limits = limits{waiting, dead} }

// Shared is what TestMain started.
func Shared() *redistest.Shared { return &shared }

// MiniClient is miniClient.
func MiniClient(t testing.TB) redis.UniversalClient { return miniClient(t) }
