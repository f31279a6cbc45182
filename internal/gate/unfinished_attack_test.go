package gate_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// Attack: a sign-out fails while the store is away, is repeated, finds the
// session over on this gateway, and is answered 200, while a copy of the token
// or cookie works at another gateway. It is 503 until the end is stored and its
// event queued; that happens in the background, and holds after a restart.
func TestAttackRepeatedSignOutIsTakenForDone(t *testing.T) {
	for outage, away := range outages {
		for name, begin := range map[string]func(here, there *redisTown) (leave, copied func() hop){
			"token": func(here, there *redisTown) (leave, copied func() hop) {
				c := here.client("alice")
				c.login()
				thief := there.copiedToken(c)
				return func() hop { return c.ask(http.MethodPost, "/_wechat/logout", nil).hop },
					func() hop { return thief.ask(http.MethodGet, "/_wechat/session", nil).hop }
			},
			"cookie": func(here, there *redisTown) (leave, copied func() hop) {
				b := here.browser("alice")
				b.open("/").last().upstream()
				thief := there.copied(b)
				return func() hop { return b.form("/_wechat/logout", nil) },
					func() hop { return thief.script(http.MethodGet, "/_wechat/session") }
			},
		} {
			t.Run(name+", "+outage, func(t *testing.T) {
				t.Parallel()
				s := redistest.Standalone(t, redistest.Options{AppendOnly: true})
				c := newWeChat(t)
				here, there := onRedis(t, c, s), onRedis(t, c, s)
				leave, copied := begin(here, there)
				here.told()
				if h := copied(); h.status != http.StatusOK {
					t.Fatalf("the copy does not work: %d", h.status)
				}
				away.begin(s)
				for try := range 4 {
					if h := leave(); h.status != http.StatusServiceUnavailable || h.header.Get("Retry-After") == "" {
						t.Errorf("try %d, nothing is stored: %d", try, h.status)
					}
				}
				away.end(s)
				eventually(t, "the end", func() bool { return signedOut(copied()) })
				eventually(t, "the sign-out", func() bool { return leave().status == http.StatusOK })
				if n := here.told(); n != 1 {
					t.Errorf("%d events", n)
				}
				if len(here.log.lines(`"msg":"signed out"`)) != 1 {
					t.Errorf("the log: %q", here.log.lines("signed out"))
				}
				after := onRedis(t, c, s)
				there.instead = func(*http.Request) *town { return after.town }
				if h := copied(); !signedOut(h) {
					t.Errorf("after a restart: %d", h.status)
				}
			})
		}
	}
}

// Attack: an operator ends all sessions of a person while the store is away,
// and the visitor's own sign-out is taken for done, since they are over on this
// gateway.
func TestAttackSignOutBehindAnOperatorsThatFailed(t *testing.T) {
	t.Parallel()
	s := redistest.Standalone(t, redistest.Options{AppendOnly: true})
	c := newWeChat(t)
	here, there := onRedis(t, c, s), onRedis(t, c, s)
	b := here.browser("alice")
	person := b.open("/").last().upstream().Header.Get("X-Wechat-User")
	thief := there.copied(b)
	thief.open("/").last().upstream()
	here.told()
	s.Kill()
	if err := here.book.EndPerson(t.Context(), person, time.Now(), time.Now().Add(time.Hour)); err == nil {
		t.Fatal("stored without a store")
	}
	for range 3 {
		if h := b.form("/_wechat/logout", nil); h.status != http.StatusServiceUnavailable {
			t.Errorf("nothing is stored: %d", h.status)
		}
	}
	s.Restart()
	eventually(t, "the sign-out", func() bool { return b.form("/_wechat/logout", nil).status == http.StatusOK })
	eventually(t, "the end", func() bool { return signedOut(thief.script(http.MethodGet, "/_wechat/session")) })
	if n := here.told(); n != 1 {
		t.Errorf("%d events", n)
	}
}

// Attack: the app signs its visitor out while the store is away; the browser
// loses its cookie, and a copy of it works afterwards. The end is done when the
// store is back, without any other request.
func TestAttackUpstreamsSignOutIsLostInAnOutage(t *testing.T) {
	for outage, away := range outages {
		t.Run(outage, func(t *testing.T) {
			t.Parallel()
			s := redistest.Standalone(t, redistest.Options{AppendOnly: true})
			c := newWeChat(t)
			here, there := onRedis(t, c, s), onRedis(t, c, s)
			b := here.browser("alice")
			b.open("/").last().upstream()
			thief, beside := there.copied(b), here.copied(b)
			here.told()
			away.begin(s)
			if h := b.send(http.MethodGet, "/?logout", ""); h.status != http.StatusOK || b.session() != "" {
				t.Errorf("%d, session %q", h.status, b.session())
			}
			if h := beside.script(http.MethodGet, "/"); h.status == http.StatusOK {
				t.Error("the copy goes on at this gateway")
			}
			away.end(s)
			eventually(t, "the end", func() bool { return signedOut(thief.script(http.MethodGet, "/_wechat/session")) })
			if n := here.told(); n != 1 {
				t.Errorf("%d events", n)
			}
		})
	}
}

// Attack: the same, and the gateway is started anew before the store is back.
// The browser brings a receipt, with whatever it asks for next.
func TestAttackUpstreamsSignOutIsLostInARestart(t *testing.T) {
	for name, path := range map[string]string{"a page": "/", "a script": "/api", "an endpoint": "/_wechat/session"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Standalone(t, redistest.Options{AppendOnly: true})
			c := newWeChat(t)
			here, there := onRedis(t, c, s), onRedis(t, c, s)
			b := here.browser("alice")
			b.open("/").last().upstream()
			thief := there.copied(b)
			here.told()
			s.Kill()
			b.send(http.MethodGet, "/?logout", "")
			_ = here.hub.Unfinished.Close()
			after := onRedis(t, c, s)
			here.instead = func(*http.Request) *town { return after.town }
			b.script(http.MethodGet, path) // in vain: it is kept again
			_ = after.hub.Unfinished.Close()
			s.Restart()
			last := onRedis(t, c, s)
			here.instead = func(*http.Request) *town { return last.town }
			eventually(t, "the receipt", func() bool {
				b.script(http.MethodGet, path)
				return b.cookies("/")["__Host-wechat-leave"] == ""
			})
			eventually(t, "the end", func() bool { return signedOut(thief.script(http.MethodGet, "/_wechat/session")) })
			if n := last.told(); n != 1 {
				t.Errorf("%d events", n)
			}
		})
	}
}
