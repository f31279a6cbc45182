package session_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/session"
)

// wantUnavailable checks that an error says nothing about the visitor.
func wantUnavailable(t *testing.T, doing string, err error) {
	t.Helper()
	if !errors.Is(err, session.ErrUnavailable) || errors.Is(err, session.ErrNone) {
		t.Errorf("%s gave %v, want ErrUnavailable", doing, err)
	}
}

// wantAllUnavailable checks every method, and that none takes much longer than
// the timeout.
func wantAllUnavailable(t *testing.T, r *session.Redis, value string, s *session.Session) {
	t.Helper()
	ctx, before := t.Context(), *s
	for doing, call := range map[string]func() error{
		"Load":      func() error { _, err := r.Load(ctx, value, shop); return err },
		"Save":      func() error { _, err := r.Save(ctx, newSession()); return err },
		"Save old":  func() error { _, err := r.Save(ctx, s); return err },
		"Renew":     func() error { _, err := r.Renew(ctx, s); return err },
		"End":       func() error { return r.End(ctx, s) },
		"Sessions":  func() error { _, err := r.Sessions(ctx, s.Person); return err },
		"EndPerson": func() error { _, err := r.EndPerson(ctx, s.Person); return err },
		"EndID":     func() error { _, err := r.EndID(ctx, "AAAAAAAAAAAAAAAAAAA"); return err },
	} {
		begun := time.Now()
		wantUnavailable(t, doing, call())
		if took := time.Since(begun); took > 2*session.DefaultTimeout+patience/3 { // the machine may be busy
			t.Errorf("%s took %s", doing, took)
		}
	}
	if *s != before {
		t.Errorf("a failed call changed the session: %s", fields(*s))
	}
}

// comesBack waits until a value loads again, with the client there is.
func comesBack(t *testing.T, store session.Store, value string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		_, err := store.Load(t.Context(), value, shop)
		if err == nil {
			return
		}
		if !errors.Is(err, session.ErrUnavailable) || time.Now().After(end) {
			t.Fatalf("Load gave %v", err)
		}
	}
}

func TestRedisOutages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		fail, mend func(s *redistest.Server)
	}{
		{"killed", (*redistest.Server).Kill, (*redistest.Server).Restart},
		{"paused", func(s *redistest.Server) { s.Pause(0) }, (*redistest.Server).Resume},
		{"wrong password", func(s *redistest.Server) {
			s.Do("acl", "setuser", "default", "resetpass", ">other")
			s.Do("client", "kill", "type", "normal")
		}, func(s *redistest.Server) { s.Do("acl", "setuser", "default", "nopass") }},
		{
			"no permission", func(s *redistest.Server) { s.Do("acl", "setuser", "default", "-@all") },
			func(s *redistest.Server) { s.Do("acl", "setuser", "default", "+@all") },
		},
		{
			"slow", func(s *redistest.Server) { s.Do("client", "pause", "10000", "all") },
			func(*redistest.Server) {},
		}, // the pause holds back its own end, too
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Standalone(t, redistest.Options{AppendOnly: true})
			r, s := newRedis(t, dial(server)), newSession()
			value := mustSave(t, r, s)
			c.fail(server)
			wantAllUnavailable(t, r, value, s)
			c.mend(server)
			comesBack(t, r, value)
			r.Timeout = patience
			if _, err := r.Renew(t.Context(), s); err != nil {
				t.Errorf("Renew: %s", err)
			}
		})
	}
}

// A master that became a replica still reads; what it cannot write is no end.
func TestRedisReadOnly(t *testing.T) {
	t.Parallel()
	server := servers.Standalone(t)
	r, s := patient(t, server), newSession()
	value := mustSave(t, r, s)
	server.Do("replicaof", "127.0.0.1", "1")
	defer server.Do("replicaof", "no", "one")
	_, saveErr := r.Save(t.Context(), newSession())
	_, renewErr := r.Renew(t.Context(), s)
	wantUnavailable(t, "Save", saveErr)
	wantUnavailable(t, "Renew", renewErr)
	wantUnavailable(t, "End", r.End(t.Context(), s))
	wantSession(t, r, value)
}

// Without memory nobody can sign in, but everybody can be signed out.
func TestRedisOutOfMemory(t *testing.T) {
	t.Parallel()
	server := servers.Standalone(t)
	r, s, other := patient(t, server), newSession(), of("bert")
	value, kept := mustSave(t, r, s), mustSave(t, r, other)
	server.Do("config", "set", "maxmemory", "1")
	defer server.Do("config", "set", "maxmemory", "0")
	_, err := r.Save(t.Context(), newSession())
	wantUnavailable(t, "Save", err)
	_, err = r.Renew(t.Context(), s)
	wantUnavailable(t, "Renew", err)
	wantSession(t, r, value, kept)
	if err := r.End(t.Context(), s); err != nil {
		t.Errorf("End: %s", err)
	}
	wantNone(t, r, value)
	if n, err := r.EndPerson(t.Context(), "bert"); n != 1 || err != nil {
		t.Errorf("EndPerson gave %d and %v", n, err)
	}
	wantNone(t, r, kept)
}

// What servers say while they start or fail over, and what clients say.
func TestRedisErrorsAreNotAbsence(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"LOADING Redis is loading the dataset in memory", "CLUSTERDOWN The cluster is down",
		"MASTERDOWN Link with MASTER is down", "NOAUTH Authentication required.", "ERR something new",
		"BUSY Redis is busy running a script", "TRYAGAIN Multiple keys request during rehashing of slot",
	} {
		t.Run(text[:4], func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m, client := mini(t)
				r, s := newRedis(t, client), newSession()
				value := mustSave(t, r, s)
				m.SetError(text)
				wantAllUnavailable(t, r, value, s)
				m.SetError("")
				wantSession(t, r, value)
			})
		})
	}
}

func TestRedisClientErrorsAreNotAbsence(t *testing.T) {
	t.Parallel()
	server := servers.Standalone(t)
	o := server.Universal()
	o.PoolSize, o.PoolTimeout, o.ContextTimeoutEnabled = 1, time.Minute, true
	client := server.Dial(o)
	r, s := newRedis(t, client), newSession()
	r.Timeout = patience
	value := mustSave(t, r, s)

	held := client.(*redis.Client).Conn() // the pool has no other
	if err := held.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	r.Timeout = 50 * time.Millisecond
	_, err := r.Load(t.Context(), value, shop)
	wantUnavailable(t, "Load without a connection", err)
	r.Timeout = patience
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	wantSession(t, r, value)

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = r.Load(gone, value, shop)
	wantUnavailable(t, "Load with a context that is done", err)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the cause is lost: %v", err)
	}
	wantSession(t, r, value)

	r.Keys = new(session.Ring)
	_, err = r.Load(t.Context(), value, shop)
	wantUnavailable(t, "Load without keys", err)
	_, err = r.Save(t.Context(), newSession())
	wantUnavailable(t, "Save without keys", err)

	_ = client.Close()
	r.Keys = newRing(t, secrets[0])
	wantAllUnavailable(t, r, value, s)
}

// The store follows to a new master by itself.
func TestRedisFailover(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b redistest.Backend) {
		r, s := newRedis(t, dial(b)), newSession()
		value := mustSave(t, r, s)
		time.Sleep(300 * time.Millisecond) // replicas follow
		switch b := b.(type) {
		case *redistest.Sentinels:
			b.Failover()
		case *redistest.Nodes:
			for _, key := range r.Client.(*redis.ClusterClient).Keys(t.Context(), "*").Val() {
				b.FailoverOf(key)
			}
			b.Failover()
		default:
			return // it has no other master
		}
		comesBack(t, r, value)
		r.Timeout = patience
		if err := r.End(t.Context(), s); err != nil {
			t.Errorf("End: %s", err)
		}
		wantNone(t, r, value)
	})
}
