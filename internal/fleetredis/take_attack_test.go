package fleetredis_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/fleetredis"
	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/session"
)

// Attack: a program that may write to Redis plants a claim or a lock that does
// not end. The callbacks that need it hang, and no token of an account is
// fetched.
func TestPlantedLocksHoldNothingUp(t *testing.T) {
	keys, err := session.NewRing(strings.Repeat("k", 32))
	if err != nil {
		t.Fatal(err)
	}
	type taken func(t *testing.T, client redis.UniversalClient) (bool, error)
	takers := map[string]struct {
		key  string
		take taken
	}{
		"claim": {"wechat:c:x", func(t *testing.T, client redis.UniversalClient) (bool, error) {
			return fleetredis.Shared{Client: client, Prefix: "wechat:"}.Claim(t.Context(), "x", 30*time.Second)
		}},
		"lock": {"wechat:l:x", func(t *testing.T, client redis.UniversalClient) (bool, error) {
			_, ok, err := fleetredis.Tokens{Client: client, Prefix: "wechat:", Keys: keys}.Lock(t.Context(), "x", 15*time.Second)
			return ok, err
		}},
	}
	plant := map[string]struct {
		do   func(t *testing.T, client redis.UniversalClient, key string) error
		void bool
	}{
		"for ever": {func(t *testing.T, c redis.UniversalClient, key string) error {
			return c.Set(t.Context(), key, 1, 0).Err()
		}, true},
		"for a day": {func(t *testing.T, c redis.UniversalClient, key string) error {
			return c.Set(t.Context(), key, 1, 24*time.Hour).Err()
		}, true},
		"as a list": {func(t *testing.T, c redis.UniversalClient, key string) error {
			return c.LPush(t.Context(), key, 1).Err()
		}, true},
		"as ours": {func(t *testing.T, c redis.UniversalClient, key string) error {
			return c.Set(t.Context(), key, 1, 14*time.Second).Err()
		}, false},
	}
	backends := map[string]redistest.Backend{
		"standalone": redistest.Standalone(t, redistest.Options{}), "cluster": redistest.Cluster(t),
	}
	for name, backend := range backends {
		client := backend.Client()
		for what, taker := range takers {
			for how, planted := range plant {
				t.Run(name+"/"+what+" "+how, func(t *testing.T) {
					if err := client.Del(t.Context(), taker.key).Err(); err != nil {
						t.Fatal(err)
					}
					if err := planted.do(t, client, taker.key); err != nil {
						t.Fatal(err)
					}
					if ok, err := taker.take(t, client); err != nil || ok != planted.void {
						t.Fatalf("taken: %t, %v, want %t", ok, err, planted.void)
					}
					if ok, err := taker.take(t, client); err != nil || ok {
						t.Errorf("taken twice: %v", err)
					}
					if left := client.PTTL(t.Context(), taker.key).Val(); left <= 0 || left > 30*time.Second {
						t.Errorf("it is held for %s", left)
					}
				})
			}
		}
	}
}
