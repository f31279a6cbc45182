package gate_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// Attack 28: a store that fails is read as "not signed in". Unavailable is not
// absent: 503, no cookie touched, nobody sent to WeChat.
func TestAttack28UnavailableIsNotAbsent(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*town){
		"store":            func(w *town) { w.store.fail(fmt.Errorf("redis: %w", session.ErrUnavailable)) },
		"store, odd error": func(w *town) { w.store.fail(context.DeadlineExceeded) },
		"ledger":           func(w *town) { w.ledger.fail(fmt.Errorf("bolt: %w", ledger.ErrUnavailable)) },
		"ledger, corrupt":  func(w *town) { w.ledger.fail(ledger.ErrCorrupt) },
		"ledger, too late": func(w *town) { w.ledger.fail(fmt.Errorf("not begun: %w", context.DeadlineExceeded)) },
	} {
		w := newTown(t, scope(wechat.ScopeBase), func(w *town) {
			w.access["/public"], w.access["/optional"] = site.Public, site.Optional
		})
		b := w.browser("alice")
		callback := b.until("/back")
		b.open("/")
		w.reload() // nothing in memory
		fail(w)
		for _, address := range []string{"/", "/x?y", "/_wechat/login?return_to=/x", callback, "/_wechat/callback/a/b?code=c&state=d"} {
			unavailable(t, b.send(http.MethodGet, address, ""), 5, 5)
		}
		for method, address := range map[string]string{"GET": "/api", "HEAD": "/_wechat/session", "PUT": "/x", "POST": "/_wechat/logout"} {
			h := b.script(method, address)
			if h.status != http.StatusServiceUnavailable || h.header.Get("Retry-After") != "5" || len(h.header["Set-Cookie"]) != 0 {
				t.Errorf("%s: %s %s: %d %v", name, method, address, h.status, h.header)
			}
		}
		unavailable(t, b.form("/_wechat/decline", url.Values{"return_to": {"/"}}), 5, 5)
		// Open paths stay open, without an identity.
		for _, path := range []string{"/public", "/optional"} {
			if v := b.open(path); len(v) != 1 || v.last().upstream().Header.Get("X-Wechat-User") != "" {
				t.Errorf("%s: %s: %s", name, path, v)
			}
		}
		w.store.fail(nil)
		w.ledger.fail(nil)
		if v := b.open("/"); len(v) != 1 || v.last().upstream().Header.Get("X-Wechat-User") == "" {
			t.Errorf("%s: well again: %s", name, v)
		}
	}
}

// New visitors have no cookie to ask the store about; their sign-in fails at
// its end, and the code is not burnt by a reload.
func TestStoreFailsAtTheEndOfADance(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*town, error){
		"store":  func(w *town, err error) { w.store.fail(err) },
		"ledger": func(w *town, err error) { w.ledger.fail(err) },
	} {
		w := newTown(t, scope(wechat.ScopeBase))
		fail(w, session.ErrUnavailable)
		b := w.browser("alice")
		v := b.open("/x")
		unavailable(t, v.last(), 5, 5)
		if len(v.scopes()) != 1 {
			t.Errorf("%s: %s", name, v)
		}
		fail(w, nil)
		if got := b.open(v.last().url).last(); got.url != shop+"/x" || got.header.Get("X-Upstream") == "" {
			t.Errorf("%s: well again: %s", name, got.url)
		}
	}
}

// Sessions in use live on while the store is away: their identity is at hand.
func TestVerifiedSessionsOutliveAnOutage(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	b := w.browser("alice")
	b.open("/")
	w.store.fail(session.ErrUnavailable)
	if v := b.open("/"); len(v) != 1 || v.last().upstream().Header.Get("X-Wechat-User") == "" {
		t.Errorf("%s", v)
	}
}

func TestRenewal(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, scope(wechat.ScopeBase), func(w *town) {
			w.inside = true
			w.access["/public"] = site.Public
			w.hub.Policy = session.Policy{Idle: 8 * time.Hour, Lifetime: 24 * time.Hour}
			sealed := w.store.Store.(session.Sealed)
			sealed.Policy = w.hub.Policy
			w.store.Store = sealed
		})
		b := w.browser("alice")
		b.open("/")
		first := b.session()
		time.Sleep(59 * time.Minute)
		if h := b.open("/").last(); len(h.header["Set-Cookie"]) != 0 {
			t.Errorf("renewed before it is due: %q", h.header["Set-Cookie"])
		}
		time.Sleep(2 * time.Minute)
		if h := b.open("/public").last(); h.upstream().Header.Get("X-Wechat-User") == "" || len(h.header["Set-Cookie"]) != 0 {
			t.Errorf("on a public path, whose answers caches share: %q", h.header["Set-Cookie"])
		}
		w.store.fail(session.ErrUnavailable)
		if h := b.open("/").last(); h.upstream().Header.Get("X-Wechat-User") == "" || len(h.header["Set-Cookie"]) != 0 {
			t.Errorf("renewal fails: %d %q", h.status, h.header["Set-Cookie"])
		}
		w.store.fail(nil)
		if h := b.open("/").last(); len(h.header["Set-Cookie"]) != 0 {
			t.Errorf("renewed at once after a failure: %q", h.header["Set-Cookie"])
		}
		time.Sleep(2 * time.Second)
		h := b.script(http.MethodPost, "/")
		if lines := h.header["Set-Cookie"]; len(lines) != 1 || !strings.Contains(lines[0], "; Max-Age=28800;") || b.session() == first {
			t.Errorf("renewed: %q", lines)
		}
		if h := b.open("/").last(); len(h.header["Set-Cookie"]) != 0 {
			t.Errorf("renewed twice: %q", h.header["Set-Cookie"])
		}
		time.Sleep(8*time.Hour + time.Second)
		if v := b.open("/"); len(v.scopes()) != 1 {
			t.Errorf("idle for too long: %s", v)
		}
	})
}

// fixedStore keeps sessions under a value that never changes, as stores do that
// keep them by id; several gateways may share it.
type fixedStore struct {
	session.Sealed
	mu     sync.Mutex
	values map[[16]byte]string
	now    map[string]*session.Session
}

func (s *fixedStore) Save(_ context.Context, v *session.Session) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values[v.ID] == "" {
		s.values[v.ID] = fmt.Sprintf("value%d", len(s.values))
	}
	kept := *v
	s.now[s.values[v.ID]] = &kept
	return s.values[v.ID], nil
}

func (s *fixedStore) Load(_ context.Context, value string, b session.Binding) (*session.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, ok := s.now[value]
	if !ok || kept.Binding() != b || !time.Now().Before(s.Policy.Expires(kept)) {
		return nil, session.ErrNone
	}
	loaded := *kept
	return &loaded, nil
}

func (s *fixedStore) Renew(ctx context.Context, v *session.Session) (string, error) {
	v.Renewed = time.Now()
	return s.Save(ctx, v)
}

func TestStoreWithFixedValues(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		store := &fixedStore{values: map[[16]byte]string{}, now: map[string]*session.Session{}}
		w := newTownWith(t, c, rules(allowDeclined), func(w *town) { w.inside, w.store.Store = true, store })
		b := w.browser("alice")
		b.open("/")
		b.form("/_wechat/decline", url.Values{"return_to": {"/"}})
		if h := b.open("/").last(); h.kind() == "consent" {
			t.Error("the decline is not seen: the visitor is asked for ever")
		}
		time.Sleep(22 * time.Hour)
		b.open("/").last().upstream()
		b.open("/").last().upstream()
		if n := w.store.count(&w.store.renews); n != 1 {
			t.Errorf("renewed %d times", n)
		}
		// Another gateway renews; this one must not go by what it remembers.
		value := b.session()
		time.Sleep(6 * 24 * time.Hour)
		for _, kept := range store.now {
			kept.Renewed, kept.Declined = time.Now(), time.Now().Add(48*time.Hour)
		}
		time.Sleep(2 * 24 * time.Hour)
		b.plant("/", "__Host-wechat", value) // the other one sent it again
		if v := b.open("/"); len(v.scopes()) != 0 {
			t.Errorf("signed out by what was remembered: %s", v)
		}
	})
}

// An openid that moved to another person takes its sessions' worth along.
func TestSessionOfAnOpenIDThatMoved(t *testing.T) {
	t.Parallel()
	w := newTown(t, stepUp)
	b := w.browser("alice")
	b.open("/")
	old := b.consents("/account").last().upstream().Header.Get("X-Wechat-User")
	moved, err := w.ledger.Observe(t.Context(), ledger.Observation{AppID: shopApp, OpenID: w.weChat.OpenID("alice", shopApp), UnionID: "oQuiteAnotherUnion0000000000"})
	if err != nil || moved.ID == old {
		t.Fatalf("the openid did not move: %v", err)
	}
	if h := b.script(http.MethodGet, "/"); h.status != http.StatusUnauthorized {
		t.Errorf("the session acts as a person who no longer holds its openid: %d", h.status)
	}
	if got := b.open("/").last().upstream().Header.Get("X-Wechat-User"); got != moved.ID {
		t.Errorf("signed in again as %q, want %q", got, moved.ID)
	}
}

// Revoked by somebody else (a push of WeChat's, another gateway): the identity
// at hand counts no more, at once.
func TestRevokedSession(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	b := w.browser("alice")
	b.open("/").last().upstream()
	s, err := w.store.Load(t.Context(), b.session(), session.Binding{Site: shop, AppID: shopApp, Audience: session.Cookie})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.ledger.EndSession(t.Context(), s.ID, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if h := b.script(http.MethodGet, "/"); h.status != http.StatusUnauthorized {
		t.Errorf("a revoked session passes: %d", h.status)
	}
}

// A decline that cannot be kept is not pretended; a logout neither, and its
// session's cookie stays to try again with.
func TestStoreFailsWhenSomethingEnds(t *testing.T) {
	t.Parallel()
	w := newTown(t, rules(allowDeclined))
	b := w.browser("alice")
	b.open("/") // now the identity is at hand; only writing fails
	session0 := b.session()
	w.store.fail(session.ErrUnavailable)
	unavailable(t, b.form("/_wechat/decline", url.Values{"return_to": {"/"}}), 5, 5)
	h := b.form("/_wechat/logout", nil)
	if lines := h.header["Set-Cookie"]; h.status != http.StatusServiceUnavailable || len(lines) != 1 || !strings.HasPrefix(lines[0], "__Host-wechat-leave=") {
		t.Errorf("%d %q", h.status, lines)
	}
	if b.session() != session0 {
		t.Error("the cookie was touched")
	}
	w.store.fail(nil)
	if h := b.form("/_wechat/logout", nil); h.kind() != "signed_out" || b.session() != "" || b.cookies("/_wechat/logout")["__Host-wechat-leave"] != "" {
		t.Errorf("repeated: %d, cookies %v", h.status, b.cookies("/_wechat/logout"))
	}
}

// A guest who cannot be kept: 503, not a guest without session sent round.
func TestStoreFailsForAGuest(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), rules(snapshotGuest))
	w.weChat.answer(virtual)
	w.store.fail(session.ErrUnavailable)
	unavailable(t, w.browser("alice").open("/").last(), 5, 5)
}
