package redisledger

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
	"github.com/caddy-wechat/gateway/internal/redistest"
)

// outage is one way in which Redis can be unavailable, and how it recovers.
type outage struct {
	begin, end func(s *redistest.Server)
	reads      bool // Redis still answers those who only read
}

func do(args ...any) func(*redistest.Server) {
	return func(s *redistest.Server) {
		if err := s.Do(args...).Err(); err != nil {
			panic(err)
		}
	}
}

func both(fns ...func(*redistest.Server)) func(*redistest.Server) {
	return func(s *redistest.Server) {
		for _, fn := range fns {
			fn(s)
		}
	}
}

var outages = map[string]outage{
	"killed": {(*redistest.Server).Kill, (*redistest.Server).Restart, false},
	"paused": {func(s *redistest.Server) { s.Pause(0) }, (*redistest.Server).Resume, false},
	"wrong password": {
		both(do("acl", "setuser", "default", "resetpass", ">new"), do("client", "kill", "type", "normal"), do("client", "kill", "type", "pubsub")),
		do("acl", "setuser", "default", "nopass"), false,
	},
	"read-only":     {do("replicaof", "127.0.0.1", "1"), do("replicaof", "no", "one"), true},
	"out of memory": {do("config", "set", "maxmemory", "1"), do("config", "set", "maxmemory", "0"), true},
}

// TestRedisOutages: unavailable is not absent. Who is known goes on, quickly;
// nobody else is called unknown; and all is well again by itself.
func TestRedisOutages(t *testing.T) {
	for name, o := range outages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Standalone(t, redistest.Options{AppendOnly: true})
			r := testRedis(t, outageClient(t, s), "", func(o *Options) { o.Timeout = time.Second })
			known := mustSeeInTime(t, r, "oA")
			other := ledgertest.MustSee(t, testRedis(t, s.Client(), "", nil), ledger.Observation{AppID: "wxA", OpenID: "oB"})
			o.begin(s)
			suffer(t, r, known, other, o.reads)
			o.end(s)
			eventually(t, "recovery", func() bool {
				_, err := r.Observe(context.Background(), ledger.Observation{AppID: "wxA", OpenID: "oNew"})
				if err != nil && !errors.Is(err, ledger.ErrUnavailable) {
					t.Fatal(err)
				}
				return err == nil && r.works(time.Now())
			})
			_, done, err := r.Withdraw(t.Context(), ledger.Withdrawal{Key: "k", Kind: ledger.Revoked, AppID: "wxA", OpenID: "oB", Consent: true})
			if n, _, err2 := r.Waiting(t.Context(), "crm"); !done || n < 1 || errors.Join(err, err2) != nil {
				t.Errorf("afterwards: withdrawn %v, %d wait, %v, %v", done, n, err, err2)
			}
			if p, err := r.Find(t.Context(), other.ID); err != nil || !p.Holds("wxA", "oB") {
				t.Errorf("afterwards: %+v, %v", p, err)
			}
			if err := r.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// mustSeeInTime lets a person sign in at a ledger with a short timeout, which a
// busy machine may exceed.
func mustSeeInTime(t *testing.T, r *Ledger, openID string) (p ledger.Person) {
	t.Helper()
	eventually(t, "a sign-in", func() bool {
		var err error
		if p, err = r.Observe(t.Context(), ledger.Observation{AppID: "wxA", OpenID: openID}); err != nil && !errors.Is(err, ledger.ErrUnavailable) {
			t.Fatal(err)
		}
		return err == nil
	})
	return p
}

func outageClient(t *testing.T, b redistest.Backend) redis.UniversalClient {
	o := b.Universal()
	o.ContextTimeoutEnabled = true
	return b.Dial(o)
}

// wantUnready checks that a Redis that takes no writes is found out beforehand.
func wantUnready(t *testing.T, r *Ledger) {
	t.Helper()
	if err := r.Ready(t.Context()); !errors.Is(err, ledger.ErrUnavailable) {
		t.Errorf("Ready: %v", err)
	}
}

func suffer(t *testing.T, r *Ledger, known, other ledger.Person, reads bool) {
	t.Helper()
	var slowest time.Duration
	n := 0
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); n++ {
		begun := time.Now()
		p, err := r.Find(t.Context(), known.ID)
		if d := time.Since(begun); n > 0 {
			slowest = max(slowest, d) // the first may find out
		}
		if err != nil || p.ID != known.ID {
			t.Fatalf("somebody known after %d times: %v", n, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Logf("known: %d times, the slowest took %v", n, slowest.Round(time.Millisecond))
	_, err := r.Observe(t.Context(), ledger.Observation{AppID: "wxA", OpenID: "oNew"})
	if !errors.Is(err, ledger.ErrUnavailable) || errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("See: %v", err)
	}
	wantUnready(t, r)
	for what, err := range map[string]error{
		"Find":   second(r.Find(t.Context(), other.ID)),
		"FindUO": second(r.FindOpenID(t.Context(), "wxA", "oB")),
		"See":    second(r.Observe(t.Context(), ledger.Observation{AppID: "wxA", OpenID: "oB"})), // writes nothing
		"Export": second(r.Export(t.Context(), other.ID)),
	} {
		if reads != (err == nil) || err != nil && !errors.Is(err, ledger.ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	id := [16]byte{1}
	err = r.EndSession(t.Context(), id, time.Now().Add(time.Hour))
	if !errors.Is(err, ledger.ErrUnavailable) || !r.Ended(id) {
		t.Errorf("a logout: %v, here it holds: %v", err, r.Ended(id))
	}
	r.SetTargets([]ledger.Target{{Name: "crm"}})
	_, _, due := r.Due(t.Context(), "crm", time.Now(), 1)
	if reads != (due == nil) || due != nil && !errors.Is(due, ledger.ErrUnavailable) {
		t.Errorf("Due: %v", due)
	}
	_, done, err := r.Withdraw(t.Context(), ledger.Withdrawal{Key: "k", Kind: ledger.Revoked, AppID: "wxA", OpenID: "oB", Consent: true})
	told := r.Tell(t.Context(), ledger.Event{Kind: ledger.Declined})
	if done || !errors.Is(err, ledger.ErrUnavailable) || errors.Is(err, ledger.ErrCorrupt) || !errors.Is(told, ledger.ErrUnavailable) {
		t.Errorf("Withdraw: %v, %v; Tell: %v", done, err, told)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Find(ctx, other.ID); errors.Is(err, ledger.ErrNotFound) || err == nil {
		t.Errorf("a visitor who left: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// TestRedisFailover: the master dies. Who is known goes on all the time, the
// others soon.
func TestRedisFailover(t *testing.T) {
	test := func(t *testing.T, b redistest.Backend, failover func(key string)) {
		r := testRedis(t, outageClient(t, b), "", func(o *Options) { o.Timeout = time.Second })
		var known []ledger.Person
		for i := range 20 {
			known = append(known, mustSeeInTime(t, r, fmt.Sprint("o", i)))
		}
		time.Sleep(500 * time.Millisecond) // replicas follow
		begun, failed := time.Now(), make(chan struct{})
		go func() { defer close(failed); failover(r.key("person")) }()
		asked := 0
		for over := false; !over; asked++ {
			p := known[asked%len(known)]
			if q, err := r.Find(t.Context(), p.ID); err != nil || q.ID != p.ID {
				t.Fatalf("somebody known, %v after the master died: %v", time.Since(begun), err)
			}
			select {
			case <-failed:
				over = true
			case <-time.After(5 * time.Millisecond):
			}
		}
		promoted := time.Since(begun)
		eventually(t, "recovery", func() bool {
			_, err := r.Observe(context.Background(), ledger.Observation{AppID: "wxA", OpenID: "oNew"})
			return err == nil && r.works(time.Now())
		})
		t.Logf("promoted after %v, ledger writes after %v; known persons were found %d times, each time",
			promoted.Round(time.Millisecond), time.Since(begun).Round(time.Millisecond), asked)
		if err := r.Check(); err != nil {
			t.Error(err)
		}
	}
	t.Parallel()
	t.Run("sentinel", func(t *testing.T) {
		t.Parallel()
		b := redistest.Sentinel(t)
		test(t, b, func(string) { b.Failover() })
	})
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		b := redistest.Cluster(t)
		test(t, b, func(key string) { b.FailoverOf(key) })
	})
}

// TestRedisStaleIfDown: what is known is not given for ever.
func TestRedisStaleIfDown(t *testing.T) {
	t.Parallel()
	s := redistest.Standalone(t, redistest.Options{})
	r := testRedis(t, outageClient(t, s), "", func(o *Options) { o.Timeout, o.StaleIfDown = 200*time.Millisecond, 4*time.Second })
	p := mustSeeInTime(t, r, "oA")
	time.Sleep(5 * time.Second) // nobody asks, but the channel confirms it all the time
	s.Kill()
	time.Sleep(100 * time.Millisecond)
	if _, err := r.Find(t.Context(), p.ID); err != nil {
		t.Errorf("just after: %v", err)
	}
	time.Sleep(5 * time.Second)
	if _, err := r.Find(t.Context(), p.ID); !errors.Is(err, ledger.ErrUnavailable) {
		t.Errorf("later: %v", err)
	}
}
