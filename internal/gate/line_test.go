package gate_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// inRedis keeps the town's sessions in a Redis in memory, with a near cache, as
// fleets have them.
func inRedis(w *town) {
	m := miniredis.NewMiniRedis()
	client := redis.NewClient(&redis.Options{
		// The client looks up a host name, and the resolver of a synctest
		// bubble must not be used outside of it.
		Addr:   "127.0.0.1:6379",
		Dialer: func(context.Context, string, string) (net.Conn, error) { return m.Dial() }, ContextTimeoutEnabled: true,
	})
	w.t.Cleanup(func() {
		_ = client.Close()
		m.Close()
	})
	w.store.Store = &session.CachedStore{Store: &session.Redis{Client: client, Keys: w.hub.Keys}}
	w.hub.StoreHasCache = true
}

// eachStore runs a test with sessions in the cookie and with sessions in Redis.
func eachStore(t *testing.T, test func(t *testing.T, store func(*town))) {
	t.Helper()
	for name, store := range map[string]func(*town){"local": func(*town) {}, "redis": inRedis} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, store)
		})
	}
}

// copied is a browser with a copy of a session's cookie and nothing else.
func (w *town) copied(value string) *browser {
	b := w.browser("carol")
	b.plant("/", "__Host-wechat", value)
	return b
}

// wantOut checks that no copy of these cookies is signed in.
func (w *town) wantOut(when string, values ...string) {
	w.t.Helper()
	for i, value := range values {
		if h := w.copied(value).script(http.MethodGet, "/page"); h.status != http.StatusUnauthorized {
			w.t.Errorf("%s: the cookie number %d is still good: %d", when, i+1, h.status)
		}
	}
}

// Attack (CVE-2024-21492): the first visit makes two sessions, and the logout
// ends one. A copy of the silent one's cookie goes on, with the consented
// profile.
func TestAttackLogoutLeavesTheSessionBefore(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, store func(*town)) {
		for name, end := range map[string]func(b *browser){
			"logout":           func(b *browser) { b.form("/_wechat/logout", nil) },
			"the app's header": func(b *browser) { b.script(http.MethodGet, "/bye") },
		} {
			t.Run(name, func(t *testing.T) {
				w := newTown(t, store)
				w.upstream = func(rw http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/bye" {
						rw.Header().Set(gate.HeaderLogout, "1")
					}
					echo(rw, r)
				}
				b := w.browser("alice")
				b.open("/page") // silent; the consent page
				silent := b.session()
				b.consents("/page").last().upstream()
				consented := b.session()
				if silent == "" || silent == consented {
					t.Fatal("the first visit does not make two sessions")
				}
				end(b)
				w.wantOut(name, silent, consented)
			})
		}
	})
}

// Attack: the address of a dance that is over is opened again after the logout,
// and signs in from what was kept for duplicate hits.
func TestAttackCallbackAfterTheLogout(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, store func(*town)) {
		w := newTown(t, store, scope(wechat.ScopeBase))
		b := w.browser("alice")
		callback := b.until("/page")
		if b.send(http.MethodGet, callback, ""); b.session() == "" {
			t.Fatal("not signed in")
		}
		binding := b.cookies(strings.TrimPrefix(callback, shop))
		b.form("/_wechat/logout", nil)
		for name, value := range binding { // even one who has kept all of the browser's cookies
			if strings.Contains(name, "flow") || strings.Contains(name, "browser") {
				b.plant("/", name, value)
			}
		}
		h := b.send(http.MethodGet, callback, "")
		if b.session() != "" || !h.redirects() || !strings.HasPrefix(h.location(), "https://open.weixin.qq.com/") {
			t.Errorf("after the logout the callback answers %d to %s and gives the session %q", h.status, h.location(), b.session())
		}
	})
}

// A session that was replaced answers for ten seconds, for requests under way,
// and then no more. No business system hears of a logout.
func TestReplacedSessionLeaves(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, func(w *town) { w.inside = true })
		w.ledger.SetTargets([]ledger.Target{{Name: "crm", Kinds: []ledger.EventKind{ledger.LoggedOut}}})
		b := w.browser("alice")
		b.open("/page")
		silent := w.copied(b.session())
		b.consents("/page").last().upstream()
		w.hub.WeChat.CloseIdle() // or the bubble's clock stands still
		time.Sleep(9 * time.Second)
		silent.script(http.MethodGet, "/page").upstream()
		time.Sleep(time.Second)
		if h := silent.script(http.MethodGet, "/page"); h.status != http.StatusUnauthorized {
			t.Errorf("ten seconds after it was replaced it answers %d", h.status)
		}
		b.script(http.MethodGet, "/page").upstream()
		if told := w.events("crm"); len(told) != 0 {
			t.Errorf("a replaced session is told as %v", told)
		}
		w.reload()
		if h := silent.script(http.MethodGet, "/page"); h.status != http.StatusUnauthorized {
			t.Errorf("after a restart it answers %d", h.status)
		}
		b.script(http.MethodGet, "/page").upstream()
	})
}

// A request that was let in with the session of before is answered after its
// browser has a newer one: the renewed cookie of the old session does not come
// back in its place.
func TestRenewalOfAReplacedSessionIsNotSent(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, func(w *town) { w.inside = true })
		w.need["/slow"], w.need["/page"] = wechat.ScopeBase, wechat.ScopeBase
		b := w.browser("alice")
		b.open("/page")
		w.hub.WeChat.CloseIdle()
		time.Sleep(2 * 24 * time.Hour) // due for a renewal
		stepped := false
		w.upstream = func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" && !stepped {
				stepped = true
				b.consents("/more").last().upstream()
			}
			echo(rw, r)
		}
		h := b.script(http.MethodGet, "/slow")
		if newest := b.session(); !stepped || strings.Contains(strings.Join(h.header["Set-Cookie"], ";"), "__Host-wechat=") {
			t.Errorf("the slow answer sets %q", h.header["Set-Cookie"])
		} else if got := w.copied(newest).script(http.MethodGet, "/more").upstream(); got.Header.Get("X-Wechat-Scope") != userinfo {
			t.Errorf("the browser is left with %q", got.Header.Get("X-Wechat-Scope"))
		}
	})
}

// What a replaced session has open goes on, until its line ends.
func TestReplacedSessionKeepsWhatIsOpen(t *testing.T) {
	t.Parallel()
	w, over := streaming(t, scope(wechat.ScopeBase))
	b := w.browser("alice")
	b.open("/")
	b.stream("events")
	silent := b.session()
	w.need["/more"] = wechat.ScopeUserInfo
	b.consents("/more")
	if b.session() == silent {
		t.Fatal("the session was not replaced")
	}
	s, err := w.store.Load(t.Context(), silent, session.Binding{Site: shop, AppID: shopApp, Audience: session.Cookie})
	if err != nil {
		t.Fatal(err)
	}
	// The ten seconds are over at once.
	if err := w.ledger.EndSessionAt(t.Context(), s.ReplacedMark(), time.Now(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	w.wantOut("replaced", silent)
	if kind, cut := within(over, 3*time.Second); cut {
		t.Fatalf("%s was cut when its session was replaced", kind)
	}
	b.form("/_wechat/logout", nil)
	if _, cut := within(over, 10*time.Second); !cut {
		t.Error("what the replaced session has open outlives the logout")
	}
}

// An operator ends a session in Redis, and the visitor signs in again at once:
// what was made before is over, what comes next is not, even where the gateway
// has not heard of the end yet.
func TestOperatorEndsALineAndTheVisitorComesBack(t *testing.T) {
	t.Parallel()
	w := newTown(t, inRedis, scope(wechat.ScopeBase))
	near := w.store.Store.(*session.CachedStore)
	store := near.Store.(*session.Redis)
	b := w.browser("alice")
	person := b.open("/page").last().upstream().Header.Get("X-Wechat-User")
	before := b.session()
	list, err := store.Sessions(t.Context(), person)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d sessions, %v", len(list), err)
	}
	if found, err := store.EndID(t.Context(), list[0].ID); !found || err != nil {
		t.Fatalf("EndID: %t, %v", found, err)
	}
	// The near cache still knows the old one: the browser steps up with it.
	w.need["/more"] = wechat.ScopeUserInfo
	b.consents("/more")
	after := b.session()
	if after == before {
		t.Fatal("no new session")
	}
	w.copied(after).script(http.MethodGet, "/page").upstream()
	time.Sleep(1100 * time.Millisecond) // what the near cache may believe
	w.wantOut("an operator's end", before)
	w.copied(after).script(http.MethodGet, "/page").upstream()
}

// endsBefore is a store in which something ends just before a browser's session
// is saved.
type endsBefore struct {
	session.Store
	end func()
}

func (f *endsBefore) Save(ctx context.Context, s *session.Session) (string, error) {
	if f.end != nil && s.Audience == session.Cookie {
		end := f.end
		f.end = nil
		end()
	}
	return f.Store.Save(ctx, s)
}

// Attack: a ticket is redeemed in the very moment in which its mini program
// signs out, and gives a session that the sign-out does not reach.
func TestAttackTicketRacesTheLogout(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, store func(*town)) {
		w := newTown(t, doors, store)
		racing := &endsBefore{Store: w.store.Store}
		w.store.Store = racing
		c, b := w.mini("alice"), w.webView("alice")
		second := b.send(http.MethodGet, "/page?wechat_ticket="+c.ticket(), "").location()
		racing.end = func() { c.ask(http.MethodPost, "/_wechat/logout", nil) }
		if b.send(http.MethodGet, second, ""); racing.end != nil {
			t.Fatal("nothing was saved")
		}
		if value := b.session(); value != "" {
			w.wantOut("the ticket", value)
		}
	})
}

// The visitor is known by another account, so that the consent shows that two
// records are one person: the silent session before still answers for ten
// seconds, what it has open goes on, and all end together.
func TestStepUpThatMergesTwoRecords(t *testing.T) {
	t.Parallel()
	t.Run("requests", func(t *testing.T) {
		t.Parallel()
		eachStore(t, func(t *testing.T, store func(*town)) {
			w := newTown(t, store, doors, scope(wechat.ScopeBase))
			w.need["/more"] = wechat.ScopeUserInfo
			w.mini("alice")
			b := w.browser("alice")
			b.open("/page")
			silent := b.session()
			b.consents("/more").last().upstream()
			w.copied(silent).script(http.MethodGet, "/page").upstream()
			consented := b.session()
			b.form("/_wechat/logout", nil)
			w.wantOut("logout", silent, consented)
		})
	})
	t.Run("streams", func(t *testing.T) {
		t.Parallel()
		w, over := streaming(t, doors, scope(wechat.ScopeBase))
		w.mini("alice")
		b := w.browser("alice")
		b.open("/")
		b.stream("events")
		w.need["/more"] = wechat.ScopeUserInfo
		b.consents("/more")
		if kind, cut := within(over, 2*time.Second); cut {
			t.Fatalf("%s was cut", kind)
		}
		b.form("/_wechat/logout", nil)
		if _, cut := within(over, 10*time.Second); !cut {
			t.Error("the stream outlives the logout")
		}
	})
}

// Two tabs sign in at once and know nothing of each other: the cookie of one
// takes the place of the other's, and one logout ends both sessions.
func TestParallelFirstSignInsEndTogether(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, store func(*town)) {
		w := newTown(t, store, scope(wechat.ScopeBase))
		b := w.browser("alice")
		one, two := b.until("/page"), b.until("/page")
		held := b.cookies(strings.TrimPrefix(two, shop))
		b.send(http.MethodGet, one, "")
		first := b.session()
		late := w.browser("alice") // the same browser, as its second callback was sent
		for name, value := range held {
			late.plant("/", name, value)
		}
		late.send(http.MethodGet, two, "")
		if late.session() == "" || late.session() == first {
			t.Fatal("the second tab has no session of its own")
		}
		late.form("/_wechat/logout", nil)
		w.wantOut("logout", first)
	})
}
