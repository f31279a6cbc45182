package gate_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// A real Redis that hangs: visitors whose sessions are due for renewal are
// served from memory, one after the other, and none waits for the renewal; the
// log has one line. When Redis goes on, they are renewed and the log says so.
func TestAttackARedisThatHangsSlowsEveryPageDown(t *testing.T) {
	t.Parallel()
	server := redistest.Standalone(t, redistest.Options{})
	options := server.Universal()
	options.ContextTimeoutEnabled = true
	client := redis.NewUniversalClient(options)
	t.Cleanup(func() { _ = client.Close() })
	policy := session.Policy{Idle: 40 * time.Second} // due every five seconds
	w := newTown(t, scope(wechat.ScopeBase), func(w *town) {
		w.hub.Policy, w.hub.StoreHasCache = policy, true
		store := &session.Redis{Client: client, Keys: w.hub.Keys, Policy: policy}
		w.hub.Store = &session.CachedStore{Store: store, Policy: policy}
	})
	b := w.browser("alice")
	b.open("/").last().upstream()
	time.Sleep(6 * time.Second)
	server.Pause(0)
	begun := time.Now()
	for range 20 {
		b.open("/").last().upstream()
	}
	// Waiting for the renewals, at a second each, takes twenty.
	if took := time.Since(begun); took > 12*time.Second {
		t.Errorf("twenty pages took %s", took)
	}
	server.Resume()
	renewed := false
	for end := time.Now().Add(30 * time.Second); !renewed && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		renewed = len(b.script(http.MethodGet, "/").header["Set-Cookie"]) > 0
	}
	if !renewed {
		t.Error("not renewed when Redis goes on")
	}
	if lines := w.said(); len(lines) > 2 {
		t.Errorf("%d lines: %+v", len(lines), lines)
	}
}
