package gate_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// A sibling of the site's host can plant cookies with Domain=, but none whose
// name begins with __Host-. These are what it plants to lead its visitor into
// something that the attacker has begun.

// wicked is an attacker's sign-in, up to the callback, and what was planted of
// it.
func wicked(t *testing.T, w *town, victim *browser, address string) (callback string) {
	t.Helper()
	attacker := w.browser("carol")
	callback = attacker.until(address)
	u, err := url.Parse(callback)
	if err != nil {
		t.Fatal(err)
	}
	victim.plant(flowDir(u), "__Secure-wechat-flow", attacker.cookies(u.Path)["__Secure-wechat-flow"])
	for name, value := range attacker.secrets() { // under the names that a sibling can plant
		name = strings.TrimPrefix(name, "__Host-")
		victim.plant("/", name, value)
		victim.plant("/", "__Secure-"+name, value)
	}
	return callback
}

// Attack: login CSRF from a neighbour host, with a planted flow cookie.
func TestAttackNeighbourPlantsFlow(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(b *browser){
		"a first visit":                    func(*browser) {},
		"who began a sign-in of their own": func(b *browser) { b.until("/mine") },
		"who signed out":                   func(b *browser) { b.open("/mine"); b.form("/_wechat/logout", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, scope(wechat.ScopeBase))
			victim := w.browser("alice")
			prepare(victim)
			spent := w.weChat.CountCalls(exchangePath)
			callback := wicked(t, w, victim, "/x")
			h := victim.send(http.MethodGet, callback, "")
			if n := w.weChat.CountCalls(exchangePath); n != spent || h.status != http.StatusFound || victim.session() != "" {
				t.Fatalf("%d codes spent, %d, session %q", n-spent, h.status, victim.session())
			}
			// The visitor arrives all the same, as nobody else.
			if got := victim.open(h.location()).last().upstream().Header.Get("X-Wechat-Openid"); got != w.weChat.OpenID("alice", shopApp) {
				t.Errorf("signed in as %s", got)
			}
		})
	}
}

// Attack: the same with the cookie between the two hops of a ticket.
func TestAttackNeighbourPlantsTicket(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	w.access["/page"] = site.Public
	attacker, victim := w.webView("carol"), w.webView("alice")
	second := attacker.send(http.MethodGet, "/page?wechat_ticket="+w.mini("carol").ticket(), "").location()
	path := "/_wechat/ticket/" + secondHopID(second)
	victim.until("/mine") // it has a secret of its own
	victim.plant(path, "__Secure-wechat-ticket", attacker.cookies(path)["__Secure-wechat-ticket"])
	for range 2 {
		h := victim.send(http.MethodGet, second, "", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-site")
		if h.location() != shop+"/page" || victim.session() != "" {
			t.Errorf("%d to %s, session %q", h.status, h.location(), victim.session())
		}
	}
	if attacker.open(second).last().upstream(); attacker.session() == "" {
		t.Error("the ticket was burnt")
	}
}

// Attack: the same with the cookie of a browser that shows a code, which the
// attacker's own phone has confirmed.
func TestAttackNeighbourPlantsScan(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning)
	s, phone, victim := w.desktop("carol").shows("/x"), w.browser("carol"), w.desktop("alice")
	phone.picks(phone.reads(s.code), s.number)
	victim.shows("/mine")
	victim.plant(s.wait, "__Secure-wechat-scan", s.cookies(s.wait)["__Secure-wechat-scan"])
	if h := victim.open(s.next).last(); h.kind() != "scan_expired" || victim.session() != "" {
		t.Errorf("%d %q, session %q", h.status, h.kind(), victim.session())
	}
	if h := victim.script(http.MethodGet, s.wait+"/state"); !strings.Contains(h.body, `"expired"`) {
		t.Errorf("state: %d %s", h.status, h.body)
	}
	if s.open(s.next); s.session() == "" {
		t.Error("its own browser is not signed in")
	}
}

// Two first requests at once have no cookie yet, and draw two secrets. Both
// sign-ins arrive, without another one, whichever comes first.
func TestTwoFirstRequestsAtOnce(t *testing.T) {
	t.Parallel()
	for _, last := range []bool{false, true} {
		w := newTown(t, scope(wechat.ScopeBase))
		b, twin := w.browser("alice"), w.browser("alice") // the twin's cookies are the browser's
		callbacks := []string{b.until("/a?1"), twin.until("/b?2")}
		targets := []string{shop + "/a?1", shop + "/b?2"}
		u, err := url.Parse(callbacks[1])
		if err != nil {
			t.Fatal(err)
		}
		b.plant(flowDir(u), "__Secure-wechat-flow", twin.cookies(u.Path)["__Secure-wechat-flow"])
		b.secretsOf(twin)
		if n := len(b.secrets()); n != 2 {
			t.Fatalf("%d secrets", n)
		}
		for i := range callbacks {
			if last {
				i = len(callbacks) - 1 - i
			}
			b.drop("__Host-wechat") // each on its own: no session answers the callback
			if h := b.send(http.MethodGet, callbacks[i], ""); h.status != http.StatusSeeOther || h.location() != targets[i] || b.session() == "" {
				t.Errorf("%s: %d to %s", targets[i], h.status, h.location())
			}
		}
		if n := w.weChat.CountCalls(exchangePath); n != 2 {
			t.Errorf("%d codes spent", n)
		}
	}
}

// Sign-ins that are begun one after another use one secret: no request grows.
func TestSecretsDoNotPileUp(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, scope(wechat.ScopeBase), func(w *town) { w.inside = true })
		b := w.browser("alice")
		b.until("/")
		first := b.secrets()
		for range 5 {
			time.Sleep(4 * time.Minute) // its time begins anew
			callback := b.until("/x")
			if got := b.secrets(); len(got) != 1 || len(first) != 1 || onlyName(got) != onlyName(first) {
				t.Fatalf("secrets %v, at first %v", got, first)
			}
			time.Sleep(4 * time.Minute)
			if h := b.send(http.MethodGet, callback, ""); h.status != http.StatusSeeOther {
				t.Errorf("in time: %d", h.status)
			}
			b.drop("__Host-wechat")
		}
		b.open("/")
		time.Sleep(10 * time.Minute)
		if left := b.cookies("/"); len(left) != 1 || left["__Host-wechat"] == "" {
			t.Errorf("who is signed in carries %v", left)
		}
		b.open("/").last().upstream()
	})
}

func onlyName(cookies map[string]string) (name string) {
	for name = range cookies {
		break
	}
	return name
}

// A logout takes the secrets back: what was begun before ends nowhere.
func TestLogoutDropsSecrets(t *testing.T) {
	t.Parallel()
	for name, logOut := range map[string]func(b *browser){
		"by the visitor": func(b *browser) { b.form("/_wechat/logout", nil) },
		"by the app":     func(b *browser) { b.send(http.MethodGet, "/bye", "") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, scope(wechat.ScopeBase))
			w.upstream = func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/bye" {
					rw.Header().Set(gate.HeaderLogout, "1")
				}
				echo(rw, r)
			}
			b := w.browser("alice")
			pending := b.until("/x")
			b.open("/")
			logOut(b)
			if got := b.secrets(); len(got) != 0 || b.session() != "" {
				t.Fatalf("left: %v", b.cookies("/"))
			}
			spent := w.weChat.CountCalls(exchangePath)
			if h := b.send(http.MethodGet, pending, ""); h.status != http.StatusFound || w.weChat.CountCalls(exchangePath) != spent {
				t.Errorf("begun before: %d to %s", h.status, h.location())
			}
		})
	}
}
