package gate_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// An operator ends all sessions of a person: the identity at hand counts no
// more at the next request, on every site, whatever was remembered. Nobody else
// is touched, and the person may sign in again.
func TestPersonEnded(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	phone, tablet, other := w.browser("alice"), w.browser("alice"), w.browser("bob")
	person := phone.open("/").last().upstream().Header.Get("X-Wechat-User")
	for _, b := range []*browser{tablet, other} {
		b.open("/").last().upstream()
	}
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
	value, now := phone.session(), time.Now()
	if err := w.ledger.EndPerson(t.Context(), person, now, now.Add(31*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*browser{"phone": phone, "tablet": tablet} {
		if h := b.script(http.MethodGet, "/"); h.status != http.StatusUnauthorized {
			t.Errorf("%s: an ended session passes: %d", name, h.status)
		}
	}
	if h := other.script(http.MethodGet, "/"); h.status != http.StatusOK {
		t.Errorf("somebody else was signed out: %d", h.status)
	}
	w.reload() // what a restart leaves: the same, from the store
	phone.plant("/", "__Host-wechat", value)
	if h := phone.script(http.MethodGet, "/"); h.status != http.StatusUnauthorized {
		t.Errorf("a copy of the cookie passes: %d", h.status)
	}
	// Signed in again within the same second: at once, not round and round.
	if got := phone.open("/").last().upstream().Header.Get("X-Wechat-User"); got != person {
		t.Errorf("signed in again as %q, want %q", got, person)
	}
	if h := phone.script(http.MethodGet, "/"); h.status != http.StatusOK {
		t.Errorf("the new session does not pass: %d", h.status)
	}
}

// In a fleet the ledger's tombstones count beside what the session store says:
// this instance hears of them before, or without, the store.
func TestPersonEndedBesideTheStore(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, scope(wechat.ScopeBase), func(w *town) {
			w.inside, w.hub.StoreHasCache = true, true
			w.store.Store = session.Sealed{Keys: w.hub.Keys} // knows of no end
			w.hub.Ended = func([16]byte) bool { return false }
		})
		b := w.browser("alice")
		person := b.open("/").last().upstream().Header.Get("X-Wechat-User")
		b.script(http.MethodGet, "/").upstream()
		time.Sleep(1500 * time.Millisecond) // into the middle of a second
		now, value := time.Now(), b.session()
		if err := w.ledger.EndPerson(t.Context(), person, now, now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		w.store.fail(session.ErrUnavailable) // what is known here needs no store
		if h := b.script(http.MethodGet, "/"); h.status != http.StatusUnauthorized {
			t.Errorf("an ended session passes: %d", h.status)
		}
		w.store.fail(nil)
		w.reload()
		if h := b.script(http.MethodGet, "/"); h.status != http.StatusUnauthorized {
			t.Errorf("an ended session passes, asked for the first time: %d", h.status)
		}
		v := b.open("/")
		if len(v.scopes()) != 1 || v.last().upstream().Header.Get("X-Wechat-User") != person || !time.Now().Equal(now) {
			t.Errorf("in the same second: %s", v)
		}
		b.plant("/", "__Host-wechat", value)
		if h := b.script(http.MethodGet, "/"); h.status != http.StatusUnauthorized {
			t.Errorf("a copy of the old cookie passes: %d", h.status)
		}
	})
}

// lateStore has heard of the end a second or two after the ledger has.
type lateStore struct {
	session.Store
	ended time.Time
}

func (s *lateStore) Save(ctx context.Context, v *session.Session) (string, error) {
	if v.EndedBy(s.ended) {
		return "", session.ErrEnded
	}
	return s.Store.Save(ctx, v)
}

func TestSignInAfterAStoreHasEndedAll(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), func(w *town) {
		w.store.Store = &lateStore{w.store.Store, time.Now().Add(time.Second)}
	})
	v := w.browser("alice").open("/")
	if len(v.scopes()) != 1 || v.last().upstream().Header.Get("X-Wechat-User") == "" {
		t.Errorf("%s", v)
	}
	w.store.Store = &lateStore{w.store.Store, time.Now().Add(time.Hour)} // ended for real: no session, and no loop here
	if h := w.browser("bob").open("/").last(); h.status != http.StatusServiceUnavailable {
		t.Errorf("%d", h.status)
	}
}

// A second hit of a dance whose person was signed out meanwhile brings no
// session back.
func TestDuplicateCallbackAfterAllWereEnded(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	b := w.browser("alice")
	callback := b.until("/")
	b.send(http.MethodGet, callback, "")
	person := b.open("/").last().upstream().Header.Get("X-Wechat-User")
	now := time.Now()
	if err := w.ledger.EndPerson(t.Context(), person, now, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	before := b.session()
	if h := b.send(http.MethodGet, callback, ""); h.status != http.StatusFound || b.session() != before {
		t.Errorf("%d, want a fresh dance", h.status)
	}
}

// A person whose sessions end as fast as they are made, by message pushes for
// example, is not told to allow cookies, and gets another try: the browser kept
// them.
func TestSessionsThatEndAreNoLostCookies(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, scope(wechat.ScopeBase), func(w *town) { w.inside = true })
		b := w.browser("alice")
		person := b.open("/").last().upstream().Header.Get("X-Wechat-User")
		end := func() {
			time.Sleep(1500 * time.Millisecond) // beyond the second of the sign-in
			now := time.Now()
			if err := w.ledger.EndPerson(t.Context(), person, now, now.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		for range site.MaxLandings - 1 {
			end()
			b.open("/").last().upstream()
		}
		end()
		got := b.open("/x?y").last()
		if got.kind() != "try_again" || got.button() != "/_wechat/login?return_to=%2Fx%3Fy" {
			t.Fatalf("%d %q with the button %s", got.status, got.kind(), got.button())
		}
		if len(w.log.lines("does not keep the session cookie")) != 0 {
			t.Error("the log blames the browser")
		}
		b.open(got.button()).last().upstream()
	})
}
