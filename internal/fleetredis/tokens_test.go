package fleetredis_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/fleetredis"
	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/internal/wechat/tokenstoretest"
	"github.com/caddy-wechat/gateway/session"
)

// The tokens of accounts in a real Redis, as a fleet shares them.
func TestTokens(t *testing.T) {
	server := redistest.Standalone(t, redistest.Options{})
	keys, err := session.NewRing(strings.Repeat("k", 32))
	if err != nil {
		t.Fatal(err)
	}
	tokens := func(client redis.UniversalClient) fleetredis.Tokens {
		return fleetredis.Tokens{Client: client, Prefix: "wechat:", Keys: keys}
	}
	tokenstoretest.Suite{New: func(t *testing.T) (one, other wechat.TokenStore) {
		client := server.Client()
		if err := client.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		return tokens(client), tokens(client)
	}}.Run(t)

	// A dump of Redis shows nobody's token, and a record in another's place is
	// none.
	s := tokens(server.Client())
	if err := s.Save(t.Context(), "a/token", wechat.NewSecret("TOKEN-IN-CLEAR"), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	dump, err := s.Client.Get(t.Context(), "wechat:t:a/token").Result()
	if err != nil || strings.Contains(dump, "TOKEN") {
		t.Errorf("Redis holds %q, %v", dump, err)
	}
	if err := s.Client.Set(t.Context(), "wechat:t:b/token", dump, 0).Err(); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Load(t.Context(), "b/token"); err != nil || !got.IsZero() {
		t.Errorf("another's record opened: %v", err)
	}
	server.Kill()
	if _, err := s.Load(t.Context(), "a/token"); err == nil {
		t.Error("a Redis that is down says that there is no token")
	}
}
