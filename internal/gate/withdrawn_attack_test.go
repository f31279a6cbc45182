package gate_test

import (
	"context"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// shelf keeps generated keys in memory, for one gateway.
type shelf struct{ value []byte }

func (s *shelf) Load(context.Context, string) ([]byte, error) {
	if s.value == nil {
		return nil, fs.ErrNotExist
	}
	return s.value, nil
}

func (s *shelf) Store(_ context.Context, _ string, value []byte) error { s.value = value; return nil }
func (*shelf) Lock(context.Context, string) error                      { return nil }
func (*shelf) Unlock(context.Context, string) error                    { return nil }

// keyed is a town whose keys are generated, and can be taken away: at once, or
// in the moment in which the store keeps the next session.
type keyed struct {
	session.Store
	t      *testing.T
	keeper *session.KeyManager
	armed  atomic.Bool
}

func (k *keyed) retire() {
	k.t.Helper()
	if _, err := k.keeper.RetireNow(k.t.Context()); err != nil {
		k.t.Error(err)
	}
}

func (k *keyed) Save(ctx context.Context, s *session.Session) (string, error) {
	if k.armed.CompareAndSwap(true, false) {
		k.retire()
	}
	return k.Store.Save(ctx, s)
}

func (k *keyed) Renew(ctx context.Context, s *session.Session) (string, error) {
	if k.armed.CompareAndSwap(true, false) {
		k.retire()
	}
	return k.Store.Renew(ctx, s)
}

// generated gives a town generated keys.
func (k *keyed) generated(w *town) {
	k.keeper = &session.KeyManager{Storage: new(shelf), Name: "keys"}
	ring, err := k.keeper.Open(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	k.Store = session.Sealed{Keys: ring, Tombstones: w.ledger.Ledger, Policy: w.hub.Policy}
	w.hub.Keys, w.store.Store = ring, k
}

// Attack: a leaked key is taken away while the gateway runs. Its cookies are
// refused at the very next request, however often they were seen before, its
// sign-ins under way start anew, and what is open ends within a second.
func TestAttackCookieOfAWithdrawnKey(t *testing.T) {
	t.Parallel()
	for name, asks := range map[string]bool{"remembered here": false, "the store is asked": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := &keyed{t: t}
			w, over := streaming(t, k.generated, func(w *town) { w.hub.StoreHasCache = asks })
			b, other := w.browser("alice"), w.browser("bob")
			callback := other.until("/x")
			b.open("/stream/")
			if h := b.script(http.MethodGet, "/stream/"); h.status != http.StatusOK {
				t.Fatalf("signed in: %d", h.status)
			}
			b.stream("events")
			leaked := b.session()
			k.retire()
			if h := b.script(http.MethodGet, "/stream/"); h.status != http.StatusUnauthorized {
				t.Errorf("a cookie of the leaked key: %d", h.status)
			}
			if _, ended := within(over, 5*time.Second); !ended {
				t.Error("a stream goes on")
			}
			if h := other.send(http.MethodGet, callback, ""); h.status == http.StatusOK || other.session() != "" {
				t.Errorf("a sign-in of the leaked key arrives: %d", h.status)
			}
			b.open("/stream/")
			if h := b.script(http.MethodGet, "/stream/"); h.status != http.StatusOK || b.session() == leaked {
				t.Errorf("signed in again: %d", h.status)
			}
		})
	}
}

// Attack: whoever holds a leaked key keeps renewing sessions that it sealed,
// and hopes that one renewal meets the moment in which the key is taken away:
// the new value would be sealed by the new key. Every way from one value to
// another is one row.
func TestAttackSessionMovesToTheNextKey(t *testing.T) {
	t.Parallel()
	for name, try := range map[string]func(*town, *keyed) (value string, account string){
		"renewal": func(w *town, k *keyed) (string, string) {
			b := w.browser("alice")
			b.open("/")
			before := b.session()
			time.Sleep(2100 * time.Millisecond) // it is due
			k.armed.Store(true)
			b.open("/")
			if b.session() == before {
				return "", shopApp
			}
			return b.session(), shopApp
		},
		"token": func(w *town, k *keyed) (string, string) {
			client := w.mini("alice")
			time.Sleep(2100 * time.Millisecond) // it is due
			k.armed.Store(true)
			got := client.ask(http.MethodGet, "/_wechat/session", nil)
			return strings.TrimPrefix(got.Token, "wxt_mini."), miniApp
		},
		"decline": func(w *town, k *keyed) (string, string) {
			w.gate.Rules.Scope, w.gate.Rules.AllowDeclined = wechat.ScopeUserInfo, true
			b := w.browser("alice")
			m := declineForm.FindStringSubmatch(b.open("/").last().body)
			before := b.session()
			k.armed.Store(true)
			b.form(m[1], url.Values{"return_to": {m[2]}})
			if b.session() == before {
				return "", shopApp
			}
			return b.session(), shopApp
		},
		"ticket": func(w *town, k *keyed) (string, string) {
			b := w.webView("alice")
			second := b.send(http.MethodGet, "/?wechat_ticket="+w.mini("alice").ticket(), "").location()
			k.armed.Store(true)
			b.send(http.MethodGet, second, "")
			return b.session(), miniApp
		},
		"scan": func(w *town, k *keyed) (string, string) {
			w.gate.Rules.OutsideWeChat = site.OutsideScan
			s := w.desktop("carol").shows("/")
			phone := w.browser("alice")
			phone.picks(phone.reads(s.code), s.number)
			k.armed.Store(true)
			s.send(http.MethodGet, s.next, "")
			return s.session(), shopApp
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := &keyed{t: t}
			w := newTown(t, doors, scope(wechat.ScopeBase), func(w *town) {
				w.hub.Policy = session.Policy{Idle: 8 * time.Second}
			}, k.generated)
			value, appID := try(w, k)
			if k.armed.Load() {
				t.Fatal("nothing was kept")
			}
			if value == "" {
				return
			}
			if _, err := k.Load(t.Context(), value, session.Binding{Site: shop, AppID: appID}); err == nil {
				t.Error("the session has a value of the new key")
			}
		})
	}
}
