package heartbeat_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/heartbeat"
	"github.com/caddy-wechat/gateway/internal/redistest"
)

// onRedis starts a Connection of a gateway, with a client of its own, and waits
// until it hears.
func onRedis(t *testing.T, b redistest.Backend) (*heartbeat.Connection, map[string]*ear) {
	t.Helper()
	o := b.Universal()
	o.ContextTimeoutEnabled = true
	c := &heartbeat.Connection{Bus: heartbeat.Redis{Client: b.Dial(o)}}
	ears := map[string]*ear{news: new(ear), sessions: new(ear)}
	c.Listen(news, ears[news])
	c.Listen(sessions, ears[sessions])
	c.Start()
	t.Cleanup(func() { _ = c.Close() })
	eventually(t, "it hears", func() bool { return hears(c) })
	return c, ears
}

// hears asks about what was read just now, after the unbroken time began.
func hears(c *heartbeat.Connection) bool {
	now := time.Now()
	return c.Covers(now, now, moment)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// has reports whether a listener was called so.
func (e *ear) has(call string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.calls {
		if strings.HasPrefix(c, call) {
			return true
		}
	}
	return false
}

// subscriptions counts the connections that are subscribed, on all nodes.
func subscriptions(t *testing.T, b redistest.Backend) (n int) {
	t.Helper()
	for _, s := range b.Servers() {
		list, err := s.Do("client", "list", "type", "pubsub").Text()
		if err != nil {
			t.Fatal(err)
		}
		n += strings.Count(list, "name=") - strings.Count(list, "lib-name=")
	}
	return n
}

// On every kind of Redis, what a gateway or a script announces on either
// channel is heard by all, and each gateway has one subscription.
func TestGatewaysOnRedisHearEachOther(t *testing.T) {
	servers.Each(t, func(t *testing.T, b redistest.Backend) {
		before := subscriptions(t, b) // Sentinel's and the servers' own
		a, earsOfA := onRedis(t, b)
		_, earsOfB := onRedis(t, b)
		if n := subscriptions(t, b) - before; n != 2 {
			t.Errorf("two gateways have %d subscriptions, want 2", n)
		}
		for i, channel := range []string{news, sessions} {
			said := &heartbeat.Channel{Connection: a, Name: channel}
			if err := said.Publish(t.Context(), fmt.Sprint("n said ", i)); err != nil {
				t.Fatal(err)
			}
			script := redis.NewScript(`redis.call('PUBLISH', ARGV[1], ARGV[2]) return 1`)
			if err := script.Run(t.Context(), b.Client(), []string{"key" + fmt.Sprint(i)}, channel, fmt.Sprint("n scripted ", i)).Err(); err != nil {
				t.Fatal(err)
			}
			for _, e := range []*ear{earsOfA[channel], earsOfB[channel]} {
				eventually(t, "the message", func() bool { return e.has(fmt.Sprint("n said ", i)) })
				eventually(t, "the script's message", func() bool { return e.has(fmt.Sprint("n scripted ", i)) })
			}
		}
	})
}

// In each way in which Redis goes away, or takes the channels away, a gateway
// soon knows that it is deaf, and hears again by itself when that is over.
func TestDeafOnRedis(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name       string
		begin, end func(*redistest.Server)
		breaks     bool // the connection says so; otherwise the heartbeat does
	}{
		{"killed", (*redistest.Server).Kill, (*redistest.Server).Restart, true},
		{"paused", func(s *redistest.Server) { s.Pause(0) }, (*redistest.Server).Resume, false},
		{"no right to channels", do("acl", "setuser", "default", "resetchannels"), do("acl", "setuser", "default", "allchannels"), true},
		{"no right to publish", do("acl", "setuser", "default", "-publish"), do("acl", "setuser", "default", "+publish"), false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Standalone(t, redistest.Options{})
			c, ears := onRedis(t, s)
			read := time.Now()
			time.Sleep(2 * heartbeat.DefaultEvery)
			row.begin(s)
			eventually(t, "it is deaf", func() bool { return !hears(c) })
			time.Sleep(2 * moment)
			if hears(c) {
				t.Error("it believes that it hears")
			}
			row.end(s)
			eventually(t, "it hears again", func() bool { return hears(c) })
			if now := time.Now(); c.Covers(read, now, moment) {
				t.Error("what was read before is covered, though announcements were missed")
			}
			if row.breaks && !ears[sessions].has("break") {
				t.Error("the listener was not told that the connection broke")
			}
		})
	}
}

func do(args ...any) func(*redistest.Server) {
	return func(s *redistest.Server) {
		if err := s.Do(args...).Err(); err != nil {
			panic(err)
		}
	}
}

// A subscription that is cut off comes back by itself, on every kind of Redis.
func TestSubscribesAgainOnRedis(t *testing.T) {
	servers.Each(t, func(t *testing.T, b redistest.Backend) {
		c, ears := onRedis(t, b)
		read := time.Now()
		for _, s := range b.Servers() {
			if err := s.Do("client", "kill", "type", "pubsub").Err(); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "the break", func() bool { return ears[news].has("break") && ears[sessions].has("break") })
		eventually(t, "it hears again", func() bool { return hears(c) })
		if now := time.Now(); c.Covers(read, now, moment) {
			t.Error("what was read before the break is covered")
		}
	})
}
