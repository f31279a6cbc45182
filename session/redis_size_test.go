package session_test

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/session"
)

var sessions = flag.Int("sessions", 20_000, "how many sessions TestRedisSize stores")

// usedMemory is what Redis says it uses.
func usedMemory(t *testing.T, s *redistest.Server) int {
	t.Helper()
	info, err := s.Do("info", "memory").Text()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(info, "used_memory:")
	text, _, _ := strings.Cut(rest, "\r\n")
	used, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return used
}

// What a session costs, and that a person's are listed and ended at once
// however many others there are.
func TestRedisSize(t *testing.T) {
	server := servers.Standalone(t)
	r := newRedis(t, dial(server))
	r.Timeout = 10 * time.Second
	before := usedMemory(t, server)
	var next atomic.Int64
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			for i := next.Add(1); i <= int64(*sessions); i = next.Add(1) {
				if _, err := r.Save(t.Context(), of(fmt.Sprintf("%026d", i))); err != nil {
					t.Errorf("Save: %s", err)
					return
				}
			}
		})
	}
	all.Wait()
	size := (usedMemory(t, server) - before) / *sessions
	t.Logf("%d sessions of as many persons: %d bytes each, with index", *sessions, size)
	if size >= 500 {
		t.Errorf("a session takes %d bytes, want less than 500", size)
	}
	var listed, ended, pinged []time.Duration
	for i := range 100 {
		person := fmt.Sprintf("%026d", i+1)
		for range 4 {
			mustSave(t, r, of(person))
		}
		begun := time.Now()
		if err := r.Client.Ping(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		pinged = append(pinged, time.Since(begun))
		begun = time.Now()
		mustList(t, r, person, 5)
		listed = append(listed, time.Since(begun))
		begun = time.Now()
		if n, err := r.EndPerson(t.Context(), person); n != 5 || err != nil {
			t.Fatalf("EndPerson gave %d and %v", n, err)
		}
		ended = append(ended, time.Since(begun))
	}
	slices.Sort(listed)
	slices.Sort(ended)
	slices.Sort(pinged)
	t.Logf("five sessions of one person: listed in %s, ended in %s (median of 100; 95th: %s, %s)",
		listed[50], ended[50], listed[95], ended[95])
	limit := max(5*time.Millisecond, 20*pinged[50]) // the machine may be busy
	if listed[50] > limit || ended[50] > limit {
		t.Errorf("want less than %s; a ping takes %s", limit, pinged[50])
	}
}

func BenchmarkRedisLoad(b *testing.B) {
	r := newRedis(b, dial(servers.Standalone(b)))
	value := mustSave(b, r, newSession())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Load(b.Context(), value, shop); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNearHit(b *testing.B) {
	n := &session.CachedStore{Store: session.Sealed{Keys: newRing(b, secrets[0])}, Stale: time.Hour}
	value := mustSave(b, n, newSession())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := n.Load(b.Context(), value, shop); err != nil {
			b.Fatal(err)
		}
	}
}

// A value that was made up never reaches Redis.
func BenchmarkRedisLoadForged(b *testing.B) {
	r := &session.Redis{Keys: newRing(b, secrets...)}
	value := "AQ" + strings.Repeat("A", 66)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Load(b.Context(), value, shop); err == nil {
			b.Fatal("it opened")
		}
	}
}
