package test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// last returns the identity that the latest request for a path carried.
func (a *app) last(t *testing.T, uri string) map[string]string {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := len(a.received) - 1; i >= 0; i-- {
		if a.received[i].uri == uri {
			return identity(t, a.received[i])
		}
	}
	t.Fatalf("the app was never asked for %s", uri)
	return nil
}

// signsIn opens an address for the first time and goes all the way.
func (b *browser) signsIn(address string) {
	b.t.Helper()
	b.open(address)
	b.meets("consent", "使用微信登录")
	b.tap("a.button.primary")
	b.allow()
	b.arrives(address)
	b.sees("app: ")
}

// The main job, as a human sees it.
func TestBrowserFirstVisit(t *testing.T) {
	w := newWorld(t)
	site := w.secureSite(options{})
	b := w.phone("ming")
	const uri = "/orders/%E5%95%86%E5%93%81?id=7&b=%2F&a=1&empty=&code=mine&state=mine"
	b.signsIn(site + uri)
	got := w.app.last(t, uri)
	if got["x-wechat-openid"] != w.wechat.OpenID("ming", appID) || got["x-wechat-nickname"] == "" || got["x-wechat-scope"] != "snsapi_userinfo" {
		t.Errorf("the app was told %v", got)
	}
	// Signed in: no more detours, and the cookie is out of scripts' reach.
	calls := w.wechat.CountCalls("/sns/oauth2/access_token")
	b.open(site + "/next")
	b.arrives(site + "/next")
	if now := w.wechat.CountCalls("/sns/oauth2/access_token"); now != calls {
		t.Errorf("WeChat was asked %d times more", now-calls)
	}
	var cookies string
	if err := b.js("document.cookie", &cookies); err != nil || cookies != "" {
		t.Errorf("a script reads the cookies %q (%v)", cookies, err)
	}
}

// The same where there is no TLS: a trial on a laptop.
func TestBrowserPlainHTTP(t *testing.T) {
	w := newWorld(t)
	w.load(w.caddyfile(options{}))
	b := w.phone("hong")
	b.signsIn(w.site + "/orders?id=7")
	if got := w.app.last(t, "/orders?id=7"); got["x-wechat-openid"] != w.wechat.OpenID("hong", appID) {
		t.Errorf("the app was told %v", got)
	}
	b.reloads()
	b.sees("app: ")
}

// Whoever has agreed once is never asked again, on no device, after no restart.
func TestBrowserSecondBrowserIsSilent(t *testing.T) {
	w := newWorld(t)
	site := w.secureSite(options{})
	w.phone("ming").signsIn(site + "/first")
	user := w.app.last(t, "/first")["x-wechat-user"]
	for _, name := range []string{"/second", "/after-restart"} {
		if name == "/after-restart" {
			w.stop()
			w.secureSite(options{})
		}
		b := w.phone("ming")
		b.open(site + name + "?q=1")
		b.arrives(site + name + "?q=1")
		b.sees("app: ")
		var pages int
		if err := b.js("history.length", &pages); err != nil || pages > 2 {
			t.Errorf("%s: the visitor saw %d pages (%v)", name, pages, err)
		}
		if got := w.app.last(t, name+"?q=1"); got["x-wechat-user"] != user || got["x-wechat-nickname"] == "" {
			t.Errorf("%s: the app was told %v, want user %s", name, got, user)
		}
	}
}

// Back and forward through a sign-in show the app, or a page from which one tap
// leads there: browsers keep pages and show them again as they were.
func TestBrowserBackAndForward(t *testing.T) {
	w := newWorld(t)
	site := w.secureSite(options{auth: "public /chat"})
	w.app.answer(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Path == "/chat" {
			_, _ = rw.Write([]byte(`<title>chat</title><a href="/orders?id=7">a link in a chat</a>`))
			return
		}
		_, _ = rw.Write([]byte("<title>app</title>app: " + r.RequestURI))
	})
	target := site + "/orders?id=7"
	for _, journey := range [][]int{{-1, -1, -1, 1, 1, 1}, {-2, 2, -3, 3}, {-1, 1, -2}} {
		person := fmt.Sprintf("traveller %v", journey)
		if err := w.wechat.AddPerson(wechattest.Person{ID: person, Nickname: person}); err != nil {
			t.Fatal(err)
		}
		b := w.phone(person)
		b.open(site + "/chat")
		b.tap("a")
		b.meets("consent", "使用微信登录")
		b.tap("a.button.primary")
		b.allow()
		b.arrives(target)
		for _, steps := range journey {
			b.goes(steps)
			b.ends(steps, site, target)
		}
		b.open(target)
		b.reloads()
		b.arrives(target)
		b.sees("app: /orders?id=7")
	}
}

// The consent page, shown again by Back after the sign-in, asks nobody twice.
func TestBrowserStaleConsentPage(t *testing.T) {
	w := newWorld(t)
	site := w.secureSite(options{})
	b := w.phone("ming")
	b.signsIn(site + "/orders?id=7")
	b.goes(-2)
	calls := w.wechat.CountCalls("/sns/oauth2/access_token")
	if b.ends(-2, site, site+"/orders?id=7"); !b.shows("app: ") {
		b.tap("a.button.primary")
		b.arrives(site + "/orders?id=7")
		b.sees("app: ")
	}
	if now := w.wechat.CountCalls("/sns/oauth2/access_token"); now != calls {
		t.Errorf("WeChat was asked %d times more", now-calls)
	}
}

// ends checks where a step through the history has led.
func (b *browser) ends(steps int, site, target string) {
	b.t.Helper()
	switch address := b.address(); {
	case address == target && b.shows("app: /orders?id=7"):
	case address == site+"/chat" && b.shows("a link in a chat"):
	case address == target && b.shows("使用微信登录"), // as it was left
		strings.HasPrefix(address, b.world.sim.URL) && b.shows("申请获取以下权限"):
	case address == "about:blank":
	default:
		b.t.Fatalf("%+d: at %s\n%s", steps, address, b.situation())
	}
}

// Two tabs at once, each its own dance, none in the other's way.
func TestBrowserTwoTabs(t *testing.T) {
	w := newWorld(t)
	site := w.secureSite(options{})
	one := w.phone("ming")
	two := one.tab()
	one.open(site + "/one?x=1")
	two.open(site + "/two?x=2")
	one.meets("consent", "使用微信登录")
	two.meets("consent", "使用微信登录")
	one.tap("a.button.primary")
	two.tap("a.button.primary")
	two.allow()
	one.allow()
	one.arrives(site + "/one?x=1")
	two.arrives(site + "/two?x=2")
	one.sees("app: /one?x=1")
	two.sees("app: /two?x=2")
	if a, b := w.app.last(t, "/one?x=1"), w.app.last(t, "/two?x=2"); a["x-wechat-user"] != b["x-wechat-user"] {
		t.Errorf("two persons: %v and %v", a, b)
	}
}

// The other button of our page, where the site allows it.
func TestBrowserDeclines(t *testing.T) {
	w := newWorld(t)
	site := w.secureSite(options{auth: "without_consent allow"})
	b := w.phone("ming")
	target := site + "/orders?id=7&x=%26"
	b.open(target)
	b.meets("consent", "使用微信登录")
	b.tap("form .button")
	b.arrives(target)
	b.sees("app: ")
	got := w.app.last(t, "/orders?id=7&x=%26")
	if got["x-wechat-openid"] != w.wechat.OpenID("ming", appID) || got["x-wechat-nickname"] != "" || got["x-wechat-avatar"] != "" || got["x-wechat-scope"] != "snsapi_base" {
		t.Errorf("the app was told %v", got)
	}
	b.open(site + "/next")
	b.sees("app: /next")
	b.goes(-1)
	b.arrives(target)
	b.sees("app: ")
}

// WeChat tells nobody of a refusal on its own page. Back leads out of it.
func TestBrowserRefusesOnWeChatsPage(t *testing.T) {
	w := newWorld(t)
	site := w.secureSite(options{})
	b := w.phone("ming")
	b.open(site + "/orders?id=7")
	b.meets("consent", "使用微信登录")
	b.tap("a.button.primary")
	b.sees("申请获取以下权限")
	b.tap(`button[value="refuse"]`)
	b.sees("你已拒绝授权")
	if !strings.HasPrefix(b.address(), w.sim.URL) {
		t.Errorf("WeChat called back to %s", b.address())
	}
	for range 2 {
		b.goes(-1)
		if strings.HasPrefix(b.address(), site) {
			break
		}
	}
	b.meets("consent", "使用微信登录")
	b.tap("a.button.primary")
	b.allow()
	b.arrives(site + "/orders?id=7")
	b.sees("app: ")
}
