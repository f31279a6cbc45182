package redistest_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

func TestKillAndRestart(t *testing.T) {
	t.Parallel()
	for _, keeps := range []bool{false, true} {
		t.Run(fmt.Sprintf("append only %t", keeps), func(t *testing.T) {
			t.Parallel()
			s := redistest.Standalone(t, redistest.Options{AppendOnly: keeps})
			do := client(t, s)
			eventually(t, "a write", func() error { _, err := do("set", "k", "v"); return err })
			pid, at := s.PID(), s.Addr
			s.Kill()
			s.Kill() // again: nothing
			if s.Running() || alive(strconv.Itoa(pid)) {
				t.Fatal("it lives")
			}
			if _, err := do("get", "k"); err == nil {
				t.Fatal("the dead answer")
			}
			s.Restart()
			s.Restart() // again: nothing
			if s.Addr != at || !s.Running() || s.PID() == pid {
				t.Fatalf("not restarted: %s %s %d %d", s.Addr, at, s.PID(), pid)
			}
			eventually(t, "the client comes back", func() error { _, err := do("ping"); return err })
			eventually(t, "an answer", func() error {
				got, err := do("get", "k")
				if err == nil || errors.Is(err, redis.Nil) {
					if err = nil; (got == "v") != keeps {
						t.Fatalf("got %q", got)
					}
				}
				return err
			})
		})
	}
}

func TestPause(t *testing.T) {
	t.Parallel()
	shared.Each(t, func(t *testing.T, b redistest.Backend) {
		do := client(t, b)
		eventually(t, "a write", func() error { _, err := do("set", "k", "v"); return err })
		begun := time.Now()
		b.Pause(3 * time.Second)
		if d := time.Since(begun); d > 2*time.Second {
			t.Fatalf("Pause took %v", d)
		}
		if _, err := do("get", "k"); err == nil {
			t.Fatal("a paused server answers")
		}
		eventually(t, "it goes on by itself", func() error { _, err := do("get", "k"); return err })
		if d := time.Since(begun); d < 3*time.Second {
			t.Fatalf("it went on after %v", d)
		}
		if b, ok := b.(*redistest.Server); ok {
			b.Pause(0)
			if _, err := do("get", "k"); err == nil {
				t.Fatal("a paused server answers")
			}
			b.Pause(0) // again: still paused
			b.Resume()
			eventually(t, "it was resumed", func() error { _, err := do("get", "k"); return err })
		}
		b.Pause(0) // and must end all the same
	})
}

func TestWholeBackendDiesAndComesBack(t *testing.T) {
	t.Parallel()
	for name, start := range kinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t, redistest.Options{AppendOnly: true})
			do := client(t, b)
			eventually(t, "a write", func() error { _, err := do("set", "k", "v"); return err })
			b.Kill()
			if _, err := do("get", "k"); err == nil {
				t.Fatal("the dead answer")
			}
			b.Restart()
			eventually(t, "its data comes back", func() error {
				got, err := do("get", "k")
				if err == nil && got != "v" {
					err = fmt.Errorf("got %q", got)
				}
				return err
			})
		})
	}
}

type failing interface {
	redistest.Backend
	Failover() *redistest.Server
}

func TestFailover(t *testing.T) {
	t.Parallel()
	for name, start := range kinds() {
		if name == "standalone" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t, redistest.Options{Username: "gateway", Password: "secret"}).(failing)
			do := client(t, b)
			for range 2 { // the second time, the one that came back may be promoted
				eventually(t, "a write", func() error { _, err := do("set", "{k}", "v"); return err })
				next := b.Failover()
				if next == nil || !next.Running() {
					t.Fatal("no new master")
				}
				if role, err := next.Do("role").Slice(); err != nil || role[0] != "master" {
					t.Fatalf("%v, %v", role, err)
				}
				eventually(t, "the client follows", func() error { _, err := do("set", "{k}", "w"); return err })
				b.Restart()
				for _, s := range b.Servers() {
					if !s.Running() {
						t.Fatalf("%s is dead", s.Addr)
					}
				}
				eventually(t, "the client goes on", func() error { _, err := do("get", "{k}"); return err })
			}
		})
	}
}

func TestMasterOfAKey(t *testing.T) {
	t.Parallel()
	c := shared.Cluster(t)
	do := client(t, c)
	seen := map[string]bool{}
	for i := range 20 {
		key := "key" + strconv.Itoa(i)
		eventually(t, "a write", func() error { _, err := do("set", key, "v"); return err })
		m := c.MasterOf(key)
		if m == nil {
			t.Fatalf("nobody has %s", key)
		}
		if got, err := m.Do("get", key).Text(); err != nil || got != "v" {
			t.Fatalf("%s has not %s: %q, %s", m.Addr, key, got, err)
		}
		seen[m.Addr] = true
	}
	if len(seen) != 3 {
		t.Fatalf("20 keys on %d masters", len(seen))
	}
	old := c.MasterOf("key1")
	if next := c.FailoverOf("key1"); next == nil || next == old || next != c.MasterOf("key1") {
		t.Fatalf("from %v to %v", old.Addr, next)
	}
}

// Every outage that an administrator can cause, and the way back.
func TestOutagesByCommand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, want string
		cause, end [][]any
	}{
		{
			"out of memory", "OOM",
			[][]any{{"config", "set", "maxmemory", "1"}},
			[][]any{{"config", "set", "maxmemory", "0"}},
		},
		{
			"read only", "READONLY",
			[][]any{{"replicaof", "127.0.0.1", "1"}},
			[][]any{{"replicaof", "no", "one"}},
		},
		{
			"wrong password", "WRONGPASS",
			[][]any{{"acl", "setuser", "gateway", "resetpass", ">new"}, {"client", "kill", "type", "normal"}},
			[][]any{{"acl", "setuser", "gateway", "resetpass", ">secret"}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Standalone(t, redistest.Options{Username: "gateway", Password: "secret"})
			do := client(t, s)
			eventually(t, "a write", func() error { _, err := do("set", "k", "v"); return err })
			for _, step := range c.cause {
				if err := s.Do(step...).Err(); err != nil {
					t.Fatal(err)
				}
			}
			eventually(t, "the outage", func() error {
				_, err := do("set", "k", "w")
				if err == nil {
					return errors.New("no error")
				}
				if !strings.Contains(err.Error(), c.want) {
					return err
				}
				return nil
			})
			for _, step := range c.end {
				if err := s.Do(step...).Err(); err != nil {
					t.Fatal(err)
				}
			}
			eventually(t, "the way back", func() error { _, err := do("set", "k", "w"); return err })
		})
	}
}

// A master that stands still is replaced, and the controls see it although it
// answers nothing.
func TestPausedMasterIsReplaced(t *testing.T) {
	t.Parallel()
	c := shared.Cluster(t)
	old := c.MasterOf("k")
	old.Pause(0)
	eventually(t, "another master", func() error {
		if m := c.MasterOf("k"); m == nil || m == old {
			return errors.New("none")
		}
		return nil
	})
	old.Resume()
	c.Restart() // nobody is dead: waits until the group is whole
	if m := c.MasterOf("k"); m == nil || m == old {
		t.Fatal("the old master did not give way")
	}

	f := shared.Sentinel(t)
	old = f.Master()
	old.Pause(0)
	eventually(t, "another master", func() error {
		if m := f.Master(); m == nil || m == old {
			return errors.New("none")
		}
		return nil
	})
}
