package gate_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// Browsers know no ports when it comes to cookies: what one site of a host
// sets, all of them are sent, and may overwrite.
const neighbour = shop + ":8443"

// Attack: a site signs out the visitors of its neighbour on another port, by
// nothing but its own session cookie, until a page blames the browser.
func TestAttackNeighbourOnAnotherPortSignsOut(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	b := w.browser("alice")
	sites := []string{shop, neighbour, shop + ":9443"}
	for round := range 4 {
		for _, site := range sites {
			v := b.open(site + "/page")
			v.last().upstream()
			if round > 0 && len(v) != 1 {
				t.Errorf("%s, round %d: signed out: %s", site, round, v)
			}
		}
	}
	if cookies := b.cookies("/"); cookies["__Host-wechat"] == "" || cookies["__Host-wechat-8443"] == "" || cookies["__Host-wechat-9443"] == "" {
		t.Errorf("cookies %q", cookies)
	}
	// A logout at one of them is none at the others.
	b.form(neighbour+"/_wechat/logout", url.Values{}, "Origin", neighbour)
	for site, hops := range map[string]int{shop: 1, shop + ":9443": 1, neighbour: 4} {
		if v := b.open(site + "/page"); len(v) != hops {
			t.Errorf("after the logout at %s, %s: %s", neighbour, site, v)
		}
	}
}

// Attack: the app on one port reads the session of its neighbour's visitor. The
// harness fails where an app sees a cookie of ours; here the app's own stay.
func TestAttackAppReadsNeighboursSession(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	b := w.browser("alice")
	b.open(shop + "/")
	b.open(neighbour + "/")
	b.plant("/", "JSESSIONID", "1")
	for _, site := range []string{shop, neighbour} {
		if got := b.open(site + "/page").last().upstream().Header["Cookie"]; !slices.Equal(got, []string{"JSESSIONID=1"}) {
			t.Errorf("%s: the app sees %q", site, got)
		}
	}
}

// A session of the time before cookies were named by port goes on, and its
// cookie is replaced when it is renewed. A neighbour's stays.
func TestCookieWithoutThePortIsStillRead(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, scope(wechat.ScopeBase), func(w *town) { w.inside = true })
		b := w.browser("alice")
		b.open(neighbour + "/")
		old := b.cookies("/")["__Host-wechat-8443"]
		b.plant("/", "__Host-wechat", old)
		b.drop("__Host-wechat-8443")
		if v := b.open(neighbour + "/"); len(v) != 1 || len(v.last().header["Set-Cookie"]) != 0 {
			t.Fatalf("signed out, or set anew before it is due: %s", v)
		}
		time.Sleep(22 * time.Hour) // it is due
		h := b.open(neighbour + "/").last()
		h.upstream()
		cookies := b.cookies("/")
		if cookies["__Host-wechat-8443"] == "" || cookies["__Host-wechat"] != "" {
			t.Errorf("after the renewal: %q, by %q", cookies, h.header["Set-Cookie"])
		}
		b.open(shop + "/")
		theirs := b.session()
		if b.open(neighbour + "/").last().upstream(); b.session() != theirs {
			t.Error("the cookie of the site on the port of https is gone")
		}
	})
}

// A logout clears the cookie without the port if the session was read from it.
func TestLogoutClearsTheCookieItCameFrom(t *testing.T) {
	t.Parallel()
	for name, former := range map[string]bool{"the site's own name": false, "the name without the port": true} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, scope(wechat.ScopeBase))
			b := w.browser("alice")
			b.open(neighbour + "/")
			if former {
				b.plant("/", "__Host-wechat", b.cookies("/")["__Host-wechat-8443"])
				b.drop("__Host-wechat-8443")
			}
			h := b.form(neighbour+"/_wechat/logout", url.Values{}, "Origin", neighbour)
			cleared := strings.Contains(strings.Join(h.header["Set-Cookie"], "\n"), "__Host-wechat=;")
			if h.kind() != "signed_out" || b.cookies("/")["__Host-wechat-8443"] != "" || cleared != former {
				t.Errorf("%q: %q", h.kind(), h.header["Set-Cookie"])
			}
			if v := b.open(neighbour + "/"); len(v) != 4 {
				t.Errorf("still signed in: %s", v)
			}
		})
	}
}

// A logout that could not be completed before its cookie was named by port is
// completed; a neighbour's is left to the neighbour.
func TestReceiptWithoutThePortIsStillRead(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	b := w.browser("alice")
	b.open(neighbour + "/")
	w.store.fail(session.ErrUnavailable)
	if h := b.form(neighbour+"/_wechat/logout", url.Values{}, "Origin", neighbour); h.status != http.StatusServiceUnavailable {
		t.Fatalf("%d", h.status)
	}
	w.store.fail(nil)
	receipt := b.cookies("/_wechat/logout")["__Host-wechat-leave-8443"]
	for _, c := range []struct {
		site      string
		completed bool
	}{{shop + ":9443", false}, {neighbour, true}} {
		h := w.browser("bob").script(http.MethodGet, c.site+"/_wechat/session", "Cookie", "__Secure-wechat-logout="+receipt)
		cleared := strings.Contains(strings.Join(h.header["Set-Cookie"], "\n"), "__Secure-wechat-logout=;")
		if cleared != c.completed || w.store.count(&w.store.ends) < 1 {
			t.Errorf("%s: cleared %t, %d ends", c.site, cleared, w.store.count(&w.store.ends))
		}
	}
}
