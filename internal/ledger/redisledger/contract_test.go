package redisledger_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
	"github.com/caddy-wechat/gateway/internal/ledger/redisledger"
	"github.com/caddy-wechat/gateway/internal/redistest"
)

// subjects gives each test a ledger of its own in one Redis.
func subjects(client func(t *testing.T) redis.UniversalClient) func(t *testing.T) *ledgertest.Subject {
	var n atomic.Int64
	return func(t *testing.T) *ledgertest.Subject {
		c, prefix := client(t), fmt.Sprint("test", n.Add(1), ":")
		r := redisledger.OpenRedis(t, c, prefix)
		s := &ledgertest.Subject{Ledger: r, Check: func() error { return r.Check() }}
		s.Limit = func(waiting, dead int) { r.Limit(waiting, dead) }
		s.Reopen = func(t *testing.T) {
			if err := s.Ledger.Close(); err != nil {
				t.Fatal(err)
			}
			r = redisledger.OpenRedis(t, c, prefix)
			s.Ledger = r
		}
		return s
	}
}

func TestMiniredisContract(t *testing.T) {
	ledgertest.Run(t, subjects(func(t *testing.T) redis.UniversalClient { return redisledger.MiniClient(t) }))
}

func TestRedisContract(t *testing.T) {
	redisledger.Shared().Each(t, func(t *testing.T, b redistest.Backend) {
		ledgertest.Run(t, subjects(func(t *testing.T) redis.UniversalClient {
			o := b.Universal()
			o.ContextTimeoutEnabled = true
			c := redis.NewUniversalClient(o)
			t.Cleanup(func() { c.Close() })
			return c
		}))
	})
}
