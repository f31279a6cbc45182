package gate_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// Attack: an import says that a person's sessions are over up to a time in the
// future. Each sign-in ended at once, and the visitor read "allow cookies".
func TestEndInTheFutureLocksNobodyOut(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	for name, ahead := range map[string]time.Duration{"six minutes": 6 * time.Minute, "a year": 365 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newTownWith(t, c, scope(wechat.ScopeBase), func(w *town) { w.inside = true })
				b := w.browser("alice")
				person := b.open("/").last().upstream().Header.Get("X-Wechat-User")
				old, now := b.session(), time.Now().UTC().Truncate(time.Second)
				err := w.ledger.ImportEnded(t.Context(), ledger.Tombstone{Person: person, At: now.Add(ahead), Until: now.Add(2 * ahead)})
				if err != nil {
					t.Fatal(err)
				}
				if h := b.script(http.MethodGet, "/"); h.status != http.StatusUnauthorized {
					t.Errorf("a session of before the end passes: %d", h.status)
				}
				v := b.open("/")
				if got := v.last().upstream().Header.Get("X-Wechat-User"); got != person || len(v.scopes()) != 1 {
					t.Fatalf("signed in again as %q: %s", got, v)
				}
				for range 3 {
					b.script(http.MethodGet, "/").upstream()
					time.Sleep(ahead / 1000)
				}
				b.plant("/", "__Host-wechat", old)
				if h := b.script(http.MethodGet, "/"); h.status != http.StatusUnauthorized {
					t.Errorf("a copy of the old cookie passes: %d", h.status)
				}
			})
		})
	}
}

// datedStore notes how sessions are dated.
type datedStore struct {
	session.Store
	ended  time.Time // what it takes for the end of everybody's sessions
	latest time.Duration
}

func (s *datedStore) Save(ctx context.Context, v *session.Session) (string, error) {
	s.latest = max(s.latest, time.Until(v.Created))
	if v.EndedBy(s.ended) {
		return "", session.ErrEnded
	}
	return s.Store.Save(ctx, v)
}

// Attack: a clock that is ahead has new sessions dated far ahead: they would
// live longer, and outlive an end of today.
func TestNoSessionIsDatedFarAhead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ledger, store time.Duration // how far ahead the end is
		status        int
	}{
		"a second in both":     {time.Second, time.Second, http.StatusOK},
		"an hour in the store": {0, time.Hour, http.StatusServiceUnavailable},
		"an hour in both":      {time.Hour, time.Hour, http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now().UTC().Truncate(time.Second)
			store := &datedStore{ended: began.Add(test.store)}
			w := newTown(t, scope(wechat.ScopeBase), func(w *town) {
				store.Store, w.store.Store = w.store.Store, store
				w.hub.PersonEnded = func(string) time.Time { return began.Add(test.ledger) }
			})
			if h := w.browser("alice").open("/").last(); h.status != test.status {
				t.Errorf("status %d, want %d", h.status, test.status)
			}
			if store.latest > 2*time.Second {
				t.Errorf("a session is dated %s ahead", store.latest)
			}
		})
	}
}
