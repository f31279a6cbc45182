package caddymodule

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/session"
)

// Requests that run are watched by those who know the keys and times that let
// them in, and cut with them: a socket must not outlive the key that opened it.
// The ledger, what is remembered of Redis, and how it is reached outlive both.
func TestStoresKeepKeysApart(t *testing.T) {
	server := redistest.Standalone(t, redistest.Options{})
	for name, s := range map[string]store{
		"local": &LocalStore{path: filepath.Join(t.TempDir(), "ledger.db")},
		"redis": &RedisStore{plan: redisPlan{Addrs: []string{server.Addr}}},
	} {
		t.Run(name, func(t *testing.T) {
			ring, err := session.NewRing("a key of more than thirty-two characters")
			if err != nil {
				t.Fatal(err)
			}
			open := func(ringKey string, idle time.Duration) opened {
				t.Helper()
				o, err := s.open(storeDeps{keys: ring, ringKey: ringKey, policy: session.Policy{Idle: idle, Lifetime: time.Hour}})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if err := o.release(); err != nil {
						t.Error(err)
					}
				})
				return o
			}
			first, same, keys, times := open("one", time.Minute), open("one", time.Minute), open("two", time.Minute), open("one", time.Second)
			if first.live != same.live || first.live == keys.live || first.live == times.live {
				t.Error("running requests are not watched by keys and times")
			}
			if first.ledger != same.ledger || first.ledger != keys.ledger || first.ledger != times.ledger || first.scans != keys.scans || first.wake != times.wake {
				t.Error("what depends on the store alone is not shared")
			}
		})
	}
}
