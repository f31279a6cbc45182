package session_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/session"
	"github.com/caddy-wechat/gateway/session/sessiontest"
)

// quiet keeps go-redis from printing what the tests do to it on purpose.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

func init() { redis.SetLogger(quiet{}) }

// mini returns a client of a Redis in memory, which lives in the test's bubble.
func mini(t testing.TB) (*miniredis.Miniredis, redis.UniversalClient) {
	t.Helper()
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true)
	client := redis.NewClient(&redis.Options{
		Dialer:                func(context.Context, string, string) (net.Conn, error) { return m.Dial() },
		ContextTimeoutEnabled: true,
		// Nothing in a bubble may look up names.
		Addr: "127.0.0.1:6379",
		// Nobody waits for a connection: those who do share timers with the
		// clients outside of the bubble, which the runtime forbids.
		PoolSize:                 4096,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	t.Cleanup(func() {
		_ = client.Close()
		m.Close()
	})
	return m, client
}

// dial returns a client as the gateway makes them.
func dial(b redistest.Backend) redis.UniversalClient {
	o := b.Universal()
	o.ContextTimeoutEnabled = true
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = time.Second, time.Second, time.Second
	return b.Dial(o)
}

func newRedis(t testing.TB, client redis.UniversalClient) *session.Redis {
	t.Helper()
	return &session.Redis{Client: client, Keys: newRing(t, secrets[0])}
}

// patience is what tests allow that are not about time: the machine may be
// busy.
const patience = 15 * time.Second

// patient is newRedis over a server that may take its time.
func patient(t testing.TB, b redistest.Backend) *session.Redis {
	t.Helper()
	o := b.Universal()
	o.ContextTimeoutEnabled = true
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = patience, patience, patience, patience
	r := newRedis(t, b.Dial(o))
	r.Timeout = patience
	return r
}

// rotated is a second gateway over the same Redis, while the keys are rotated.
func rotated(t *testing.T, s session.Store) session.Store {
	peer := *s.(*session.Redis)
	peer.Keys = newRing(t, secrets[1], secrets[0])
	return &peer
}

func TestRedisContractInMemory(t *testing.T) {
	t.Parallel()
	sessiontest.Suite{
		New: func(t *testing.T, p session.Policy) session.Store {
			_, client := mini(t)
			return &session.Redis{Client: client, Keys: newRing(t, secrets[0]), Policy: p}
		},
		Peer: rotated,
	}.Run(t)
}

// each runs a test on each kind of real Redis, side by side whatever -parallel
// is: most of the time they wait.
func each(t *testing.T, test func(t *testing.T, b redistest.Backend)) {
	t.Helper()
	var all sync.WaitGroup
	for name, lend := range map[string]func(t *testing.T) redistest.Backend{
		"standalone": func(t *testing.T) redistest.Backend { return servers.Standalone(t) },
		"tls":        func(t *testing.T) redistest.Backend { return servers.TLS(t) },
		"sentinel":   func(t *testing.T) redistest.Backend { return servers.Sentinel(t) },
		"cluster":    func(t *testing.T) redistest.Backend { return servers.Cluster(t) },
	} {
		all.Go(func() { t.Run(name, func(t *testing.T) { test(t, lend(t)) }) })
	}
	all.Wait()
}

func TestRedisContract(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b redistest.Backend) {
		client := patient(t, b).Client
		var n atomic.Int64
		sessiontest.Suite{
			New: func(t *testing.T, p session.Policy) session.Store {
				prefix := "case" + string(rune('a'+n.Add(1))) + ":" // the cases share a server
				return &session.Redis{Client: client, Keys: newRing(t, secrets[0]), Policy: p, Prefix: prefix, Timeout: patience}
			},
			Peer: rotated,
			Wait: time.Sleep,
			Tick: 4 * time.Second, // sessions count whole seconds, and the machine may be busy for some
		}.Run(t)
	})
}

func TestNearContract(t *testing.T) {
	t.Parallel()
	near := func(t *testing.T, r *session.Redis) *session.CachedStore {
		n := &session.CachedStore{Store: r, Policy: r.Policy, Bus: session.RedisBus{Client: r.Client, Channel: r.Channel()}}
		n.Start()
		t.Cleanup(func() { _ = n.Close() })
		time.Sleep(time.Second) // until it is subscribed, an end takes as long as Stale
		return n
	}
	sessiontest.Suite{
		New: func(t *testing.T, p session.Policy) session.Store {
			_, client := mini(t)
			return near(t, &session.Redis{Client: client, Keys: newRing(t, secrets[0]), Policy: p})
		},
		Peer: func(t *testing.T, s session.Store) session.Store {
			return near(t, rotated(t, s.(*session.CachedStore).Store).(*session.Redis))
		},
		Settle: func() { time.Sleep(10 * time.Millisecond) },
		Tick:   time.Minute,
	}.Run(t)
}
