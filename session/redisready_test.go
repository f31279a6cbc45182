package session_test

import (
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// Ready follows the servers, whatever kind they are: while all of them are
// paused no session can be looked up, and the answer comes soon.
func TestRedisReady(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b redistest.Backend) {
		if err := patient(t, b).Ready(t.Context()); err != nil {
			t.Fatalf("a server that works: %v", err)
		}
		r := newRedis(t, dial(b))
		for _, server := range b.Servers() {
			server.Pause(0)
		}
		begun := time.Now()
		wantUnavailable(t, "Ready of servers that hang", r.Ready(t.Context()))
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
		for _, server := range b.Servers() {
			server.Resume()
		}
		for begun := time.Now(); r.Ready(t.Context()) != nil; time.Sleep(20 * time.Millisecond) {
			if time.Since(begun) > 20*time.Second {
				t.Fatalf("servers that work again: %v", r.Ready(t.Context()))
			}
		}
	})
}

// A Cluster that has lost a master serves the visitors of the others.
func TestRedisReadyWithoutOneMaster(t *testing.T) {
	t.Parallel()
	b := servers.Cluster(t)
	r := patient(t, b)
	if err := r.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.Servers()[0].Pause(0)
	defer b.Servers()[0].Resume()
	begun := time.Now()
	if err := r.Ready(t.Context()); err != nil {
		t.Errorf("with one master paused: %v", err)
	}
	if took := time.Since(begun); took >= patience/2 {
		t.Errorf("it waited for the paused master: %v", took)
	}
}
