package redisledger

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/redistest"
)

// OpenRedis is testRedis, for tests that see the package from outside.
func OpenRedis(t testing.TB, c redis.UniversalClient, prefix string) *Ledger {
	return testRedis(t, c, prefix, nil)
}

// Shared is what TestMain started.
func Shared() *redistest.Shared { return &shared }

// MiniClient is miniClient.
func MiniClient(t testing.TB) redis.UniversalClient { return miniClient(t) }

// Limit makes the outbox small.
func (l *Ledger) Limit(waiting, dead int) { l.limits = ledger.Limits{Waiting: waiting, Dead: dead} }
