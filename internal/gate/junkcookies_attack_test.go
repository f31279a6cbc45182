package gate_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// On plain http a sibling of the site's host can plant cookies under every name
// of ours, with a path that puts them before ours. It must neither sign the
// visitor out nor keep the visitor from signing in.

// deep is a page below so many folders, each of which can have cookies of its
// own.
func deep(folders int) string { return strings.Repeat("/x", folders) }

// plantBefore plants a cookie in each folder of a page.
func (b *browser) plantBefore(page, name, value string) {
	for i := 2; i <= len(page); i += 2 {
		b.plant(page[:i], name, value)
	}
}

// Attack: five junk cookies before the session's sign its visitor out.
func TestAttackJunkBeforeTheSession(t *testing.T) {
	t.Parallel()
	for name, junk := range map[string]func(w *town) string{
		"a word": func(*town) string { return "junk" },
		"as long as a session": func(w *town) string {
			b := w.browser("bob")
			b.open("/")
			return strings.Repeat(b.session()[:1], 200)
		},
		"somebody's session that is over": func(w *town) string {
			b := w.browser("bob")
			b.open("/")
			value := b.session()
			b.form("/_wechat/logout", nil)
			return value
		},
		"the longest there is": func(*town) string { return strings.Repeat("a", session.MaxValue) },
	} {
		for _, planted := range []int{5, 31} {
			t.Run(name+"/"+strconv.Itoa(planted), func(t *testing.T) {
				t.Parallel()
				w := newTown(t, scope(wechat.ScopeBase), func(w *town) { w.plain, w.inside = true, true })
				b := w.browser("alice")
				b.open("/")
				b.plantBefore(deep(planted), "wechat", junk(w))
				for range 2 {
					if v := b.open(deep(planted)); len(v) != 1 || v.last().upstream().Header.Get("X-Wechat-Openid") != w.weChat.OpenID("alice", shopApp) {
						t.Fatalf("behind %d: %s", planted, v)
					}
				}
			})
		}
	}
}

// Attack: the same with the secrets that tie a sign-in to its browser.
func TestAttackJunkBeforeTheSecrets(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), func(w *town) { w.plain, w.inside = true, true })
	b := w.browser("alice")
	for i := range 31 {
		b.plant("/_wechat", "wechat-browser-abcd"+string(rune('a'+i/10))+string(rune('0'+i%10)), strings.Repeat("A", 26))
	}
	if v := b.open("/x"); len(v.scopes()) != 1 || v.last().upstream().Header.Get("X-Wechat-Openid") == "" {
		t.Errorf("%s", v)
	}
}

// Attack: a planted count of landings, and all that the visitor sees is a page
// about cookies. The same count has an optional path not ask who comes, and an
// app's question not asked.
func TestAttackPlantedCounts(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"3", "9", "3." + strings.Repeat("A", 54)} {
		t.Run(value[:1], func(t *testing.T) {
			t.Parallel()
			w := newTown(t, scope(wechat.ScopeBase), func(w *town) {
				w.plain, w.inside = true, true
				w.access["/open"] = site.Optional
			})
			for _, page := range []string{"/x", "/open"} {
				b := w.browser("alice")
				b.plantBefore("/x/x/x/x/x", "wechat-landed", value)
				b.plant("/", "wechat-landed", value)
				if v := b.open(page); v.last().upstream().Header.Get("X-Wechat-Openid") == "" || len(v.scopes()) != 1 {
					t.Errorf("%s: %s", page, v)
				}
			}
		})
	}
}

// Attack: the cookie of a planted count that an app has asked often enough.
func TestAttackPlantedAsked(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, scope(wechat.ScopeBase), rules(allowDeclined), func(w *town) {
			w.inside, w.plain = true, true
			w.upstream = demanding(http.StatusForbidden, wechat.ScopeUserInfo)
		})
		counts := map[string]string{"of before codes": "3"}
		for _, person := range []string{"bob", "alice"} {
			for name, value := range counts {
				b := w.browser(person)
				b.open("/")
				b.form("/_wechat/decline", nil)
				b.plant("/", "wechat-asked", value)
				time.Sleep(2 * time.Minute)
				if kind := b.open("/").last().kind(); kind != "consent" {
					t.Errorf("%s: %q", name, kind)
				}
				for range 3 {
					time.Sleep(2 * time.Minute)
					b.open("/")
				}
				if value := b.cookies("/")["wechat-asked"]; strings.HasPrefix(value, "3.") {
					counts["another visitor's"] = value
				}
			}
		}
		if len(counts) != 2 {
			t.Errorf("counted %v", counts)
		}
	})
}

// Many cookies must not make one request wait for a store that does not answer
// once for each of them.
func TestAttackManyCookiesWhileTheStoreHangs(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, scope(wechat.ScopeBase), func(w *town) { w.plain, w.inside = true, true })
		w.hub.Store = hangingStore{w.hub.Store}
		b := w.browser("alice")
		b.plantBefore(deep(32), "wechat", "junk")
		begun := time.Now()
		h := b.send(http.MethodGet, deep(32), "", "Accept", acceptAll)
		if waited := time.Since(begun); h.status != http.StatusServiceUnavailable || waited > 10*time.Second {
			t.Errorf("%d after %v", h.status, waited)
		}
		if h := b.send(http.MethodGet, "/", ""); h.status == http.StatusServiceUnavailable {
			t.Errorf("nobody: %d", h.status)
		}
	})
}

// hangingStore answers nobody who asks for a session.
type hangingStore struct{ session.Store }

func (hangingStore) Load(ctx context.Context, _ string, _ session.Binding) (*session.Session, error) {
	<-ctx.Done()
	return nil, session.ErrUnavailable
}
