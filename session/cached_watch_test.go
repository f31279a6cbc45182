package session_test

import (
	"errors"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// diary counts what a CachedStore reports.
type diary struct {
	mu     sync.Mutex
	counts map[string]int
}

func (d *diary) note(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.counts == nil {
		d.counts = map[string]int{}
	}
	d.counts[what]++
}

func (d *diary) watch() session.CacheWatch {
	return session.CacheWatch{
		Loaded: func(r session.CacheResult) { d.note(string(r)) },
		Called: func(call string, _ time.Duration, err error) {
			if errors.Is(err, session.ErrUnavailable) {
				call += " failed"
			}
			d.note(call)
		},
	}
}

// want fails unless exactly this was reported since the last call.
func (d *diary) want(t *testing.T, what string, want map[string]int) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !maps.Equal(d.counts, want) {
		t.Errorf("%s: %v, want %v", what, d.counts, want)
	}
	d.counts = nil
}

func TestCachedStoreIsWatched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d diary
		c := &counted{Store: session.Sealed{Keys: newRing(t, secrets[0]), Tombstones: new(graves)}}
		n := &session.CachedStore{Store: c, Watch: d.watch()}
		s := newSession()
		value := mustSave(t, n, s)
		d.want(t, "save", map[string]int{"save": 1})
		wantSession(t, n, value)
		d.want(t, "a known session", map[string]int{"hit": 1})
		time.Sleep(2 * session.DefaultStale)
		wantSession(t, n, value)
		d.want(t, "an old answer", map[string]int{"miss": 1, "load": 1})
		wantNone(t, n, value+"x")
		d.want(t, "an unknown value", map[string]int{"miss": 1, "load": 1})
		wantNone(t, n, "")
		d.want(t, "no value", nil)

		time.Sleep(2 * session.DefaultStale)
		c.down.Store(true)
		wantSession(t, n, value)
		d.want(t, "the store is down", map[string]int{"stale": 1, "load failed": 1})
		wantSession(t, n, value)
		d.want(t, "it was down a moment ago", map[string]int{"stale": 1})
		if _, err := n.Load(t.Context(), value+"y", s.Binding()); !errors.Is(err, session.ErrUnavailable) {
			t.Error(err)
		}
		d.want(t, "an unknown value while it is down", map[string]int{"miss": 1, "load failed": 1})

		c.down.Store(false)
		time.Sleep(time.Minute)
		if _, err := n.Renew(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		d.want(t, "renew", map[string]int{"renew": 1})
		if err := errors.Join(n.Replace(t.Context(), s), n.End(t.Context(), s)); err != nil {
			t.Fatal(err)
		}
		d.want(t, "replace and end", map[string]int{"replace": 1, "end": 1})
		other := n.WithConfig(c, n.Policy)
		mustSave(t, other, newSession())
		d.want(t, "another configuration", map[string]int{"save": 1})
	})
}
