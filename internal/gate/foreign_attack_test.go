package gate_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

const otherKey = "the-key-of-another-gateway-another-gateway-22"

// keyed gives a gateway another key, as an operator who replaces the only one.
func (w *town) keyed(key string) {
	w.t.Helper()
	ring, err := session.NewRing(key)
	if err != nil {
		w.t.Fatal(err)
	}
	w.hub.Keys, w.store.Store = ring, session.Sealed{Keys: ring, Tombstones: w.ledger.Ledger}
	w.reload()
}

// strangers are two gateways of one site that have different keys.
func strangers(t *testing.T) (one, two *town) {
	t.Helper()
	inside := func(w *town) { w.inside = true }
	one = newTown(t, scope(wechat.ScopeBase), inside)
	two = newTownWith(t, one.weChat, scope(wechat.ScopeBase), inside)
	two.keyed(otherKey)
	return one, two
}

const differentKeys = "this sign-in was sealed with a key that this gateway does not have; check that all gateways use the same session keys"

// Attack, by an operator: two gateways with different keys behind one load
// balancer. The visitor reads a page after three rounds at most, wherever the
// requests go, and the log says why, once a minute.
func TestAttackGatewaysWithDifferentKeys(t *testing.T) {
	t.Parallel()
	isCallback := func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/_wechat/callback/") }
	for name, c := range map[string]struct {
		signedIn bool // at the first gateway
		route    func(one, two *town) func(*http.Request) *town
	}{
		"in turns": {false, func(one, two *town) func(*http.Request) *town {
			n := 0
			return func(*http.Request) *town { n++; return []*town{one, two}[n%2] }
		}},
		"pages here, callbacks there": {false, func(one, two *town) func(*http.Request) *town {
			return func(r *http.Request) *town {
				if isCallback(r) {
					return one
				}
				return two
			}
		}},
		"pages here, callbacks where a session answers": {true, func(one, two *town) func(*http.Request) *town {
			return func(r *http.Request) *town {
				if isCallback(r) {
					return one
				}
				return two
			}
		}},
		"in turns, signed in": {true, func(one, two *town) func(*http.Request) *town {
			n := 0
			return func(*http.Request) *town { n++; return []*town{one, two}[n%2] }
		}},
		"whole sign-ins, in turns": {false, func(one, two *town) func(*http.Request) *town {
			n := 0
			return func(r *http.Request) *town {
				if !isCallback(r) {
					n++
				}
				return []*town{one, two}[n%2]
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			one, two := strangers(t)
			b := one.browser("alice")
			if c.signedIn {
				b.open("/")
			}
			one.instead = c.route(one, two)
			for visits := range 3 {
				v := b.open("/page")
				h := v.last()
				if visits > 0 && h.header.Get("X-Upstream") != "" {
					continue // where the session is
				}
				if h.kind() != "try_again" || h.status != http.StatusServiceUnavailable || h.button() == "" {
					t.Fatalf("visit %d ends with %d %q: %s", visits, h.status, h.kind(), v)
				}
				if n := len(v.scopes()); n > 3 {
					t.Errorf("visit %d: sent to WeChat %d times", visits, n)
				}
			}
			if n := len(one.log.lines(differentKeys)) + len(two.log.lines(differentKeys)); n < 1 || n > 2 {
				t.Errorf("%d lines in the logs, want one of each gateway at most", n)
			}
		})
	}
}

// The count lives for ten minutes after it is full, however often the visitor
// tries: with keys that are mended meanwhile, everything is well.
func TestForeignCountEnds(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, scope(wechat.ScopeBase), func(w *town) { w.inside = true })
		b := w.browser("alice")
		b.open("/")
		b.plant("/", "__Host-wechat-foreign", "6")
		good := b.session()
		w.keyed(otherKey)
		for range 3 {
			if h := b.open("/").last(); h.kind() != "try_again" || len(h.header["Set-Cookie"]) != 0 {
				t.Errorf("%d %q, %q", h.status, h.kind(), h.header["Set-Cookie"])
			}
			time.Sleep(time.Minute)
		}
		if n := len(w.log.lines(differentKeys)); n != 3 { // one a minute
			t.Errorf("%d lines in the log", n)
		}
		w.keyed(ringKey)
		b.plant("/", "__Host-wechat", good)
		if b.open("/").last().upstream(); b.cookies("/")["__Host-wechat-foreign"] != "" {
			t.Error("a request that passed does not end the count")
		}
	})
}

// A leaked key was replaced on one gateway after the other, and a visitor came
// meanwhile. When the keys are the same, the button of the page signs in. While
// they differ, it leads to the page again, after one round.
func TestButtonEndsForeignCount(t *testing.T) {
	t.Parallel()
	one, two := strangers(t)
	n := 0
	one.instead = func(*http.Request) *town { n++; return []*town{one, two}[n%2] }
	b := one.browser("alice")
	button := b.open("/page").last().button()
	v := b.open(button)
	if h := v.last(); h.kind() != "try_again" || len(v.scopes()) > 1 {
		t.Fatalf("while the keys differ, the button leads to WeChat %d times and to %q: %s", len(v.scopes()), h.kind(), v)
	}
	one.instead = func(*http.Request) *town { return two } // they have no ledger in common
	b.plant("/", "__Host-wechat", strings.Repeat("x", 64)) // of the old key
	if h := b.open("/page").last(); h.kind() != "try_again" {
		t.Fatalf("%d %q without a tap", h.status, h.kind())
	}
	b.open(b.open("/page").last().button()).last().upstream()
	if left := b.cookies("/")["__Host-wechat-foreign"]; left != "" {
		t.Errorf("the count stays at %s", left)
	}
}

// One change of keys without overlap signs visitors in again, silently, and
// shows no page: not the first time, nor when it is done again and again.
func TestKeyChangeWithoutOverlap(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, scope(wechat.ScopeBase), func(w *town) { w.inside = true })
		b := w.browser("alice")
		b.open("/")
		for i := range 5 {
			time.Sleep(time.Minute)
			callback := ""
			if i%2 == 1 {
				b.drop("__Host-wechat")
				callback = b.until("/page") // the change comes while the visitor is at WeChat's
			}
			w.keyed(strings.Repeat(string(rune('a'+i)), 40))
			if callback != "" {
				b.open(callback).last().upstream()
			}
			v := b.open("/page")
			if v.last().upstream(); b.cookies("/")["__Host-wechat-foreign"] != "" {
				t.Errorf("change %d: the count stays: %s", i, v)
			}
		}
		if lines := w.log.lines(differentKeys); len(lines) != 0 {
			t.Errorf("%q", lines)
		}
	})
}

// What begins no sign-in counts nothing, and one that is left on WeChat's side
// and begun again counts once.
func TestAbandonedSignInsDoNotCountUp(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), func(w *town) { w.inside = true })
	w.access["/public"] = site.Public
	b := w.browser("alice")
	b.open("/")
	w.keyed(otherKey)
	for range 5 {
		b.script(http.MethodGet, "/api")
		b.open("/public").last().upstream()
		b.send(http.MethodHead, "/_wechat/session", "")
	}
	if got := b.cookies("/")["__Host-wechat-foreign"]; got != "" {
		t.Errorf("counted %s", got)
	}
	for range 6 {
		b.until("/page")
		if got := b.cookies("/")["__Host-wechat-foreign"]; got != "3" { // one, and away
			t.Fatalf("counted %s", got)
		}
	}
	b.open("/page").last().upstream()
}

// A session that a key opens, and that is over, is no sign of other keys, nor
// is what no gateway has made. A count that somebody planted keeps nobody out.
func TestWhatIsNotForeign(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(w *town, b *browser){
		"ended": func(_ *town, b *browser) {
			value := b.session()
			b.form("/_wechat/logout", nil)
			b.plant("/", "__Host-wechat", value)
		},
		"spoilt":          func(_ *town, b *browser) { b.plant("/", "__Host-wechat", "spoilt") },
		"none":            func(_ *town, b *browser) { b.drop("__Host-wechat") },
		"a planted count": func(_ *town, b *browser) { b.drop("__Host-wechat"); b.plant("/", "__Host-wechat-foreign", "6") },
		"a neighbour's":   func(_ *town, b *browser) { b.open(neighbour + "/"); b.drop("__Host-wechat") },
		"garbage callback": func(_ *town, b *browser) {
			b.drop("__Host-wechat")
			b.send(http.MethodGet, "/_wechat/callback/a/b/c", "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, doors, scope(wechat.ScopeBase), func(w *town) { w.inside = true })
			b := w.browser("alice")
			b.open("/")
			prepare(w, b)
			v := b.open("/page")
			v.last().upstream()
			for _, h := range v[:len(v)-1] { // the last one may end a count
				if strings.Contains(strings.Join(h.header["Set-Cookie"], "\n"), "wechat-foreign") {
					t.Errorf("%s counts: %q", h.url, h.header["Set-Cookie"])
				}
			}
			if lines := w.log.lines(differentKeys); len(lines) != 0 {
				t.Errorf("%q", lines)
			}
		})
	}
}

// An optional page asks nothing of anybody: it opens also while no key here
// opens what the browser has.
func TestForeignCountLeavesOptionalPagesOpen(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	w.access["/open"] = site.Optional
	b := w.browser("alice")
	b.plant("/", "__Host-wechat", strings.Repeat("A", 80))
	b.plant("/", "__Host-wechat-foreign", "6")
	b.send(http.MethodGet, "/open", "").upstream()
}
