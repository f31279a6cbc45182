package test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// WeChat's client calls back twice, with one code or with two. Over plain http
// the second call carries the cookies, as the same browser's does; over https
// it comes from the frame of another site and carries none. Either way the
// visitor arrives, once.
func TestBrowserDoubleCallback(t *testing.T) {
	always := wechattest.Knob{On: true}
	for name, quirks := range map[string]wechattest.Quirks{
		"two codes":      {DoubleCallbackTwoCodes: always, DespiteConnectRedirect: true},
		"one code twice": {SameCodeTwice: always, DespiteConnectRedirect: true},
	} {
		for _, secure := range []bool{false, true} {
			t.Run(name+map[bool]string{false: " with cookies", true: " without cookies"}[secure], func(t *testing.T) {
				w := newWorld(t)
				site := w.site
				if secure {
					site = w.secureSite(options{})
				} else {
					w.load(w.caddyfile(options{}))
				}
				w.quirks(quirks)
				b := w.phone("ming")
				// What must not be shown in a frame is not: our pages, and
				// WeChat's.
				b.seen.expect("frame-ancestors", "X-Frame-Options")
				b.signsIn(site + "/orders?id=7")
				b.open(site + "/next")
				b.sees("app: /next")
				if got := w.app.last(t, "/next"); got["x-wechat-openid"] != w.wechat.OpenID("ming", appID) || got["x-wechat-nickname"] == "" {
					t.Errorf("the app was told %v", got)
				}
				// In a frame without cookies nothing is begun anew, or it would
				// spend codes too.
				if strings.Contains(w.log(), "binding cookie missing") {
					t.Error("the second call began another dance")
				}
				// One code for each of the two steps; never the used one again.
				for _, call := range w.wechat.Calls() {
					if call.Errcode != 0 {
						t.Errorf("WeChat had to answer %d at %s", call.Errcode, call.Path)
					}
				}
				if calls := w.wechat.CountCalls(wechattest.AtToken); calls > 2 {
					t.Errorf("%d codes were spent, want 2", calls)
				}
			})
		}
	}
}

// WeChat's crawler fetches each callback once more, without cookies.
func TestBrowserCrawledCallback(t *testing.T) {
	w := newWorld(t)
	w.load(w.caddyfile(options{}))
	w.quirks(wechattest.Quirks{
		ReplayWithoutCookies: wechattest.Replay{On: true},
		SecondState:          wechattest.Knob{On: true}, ExtraQuery: wechattest.Knob{On: true},
	})
	b := w.phone("hong")
	b.signsIn(w.site + "/orders?id=7")
	b.open(w.site + "/next")
	b.sees("app: /next")
	if got := w.app.last(t, "/next"); got["x-wechat-openid"] != w.wechat.OpenID("hong", appID) {
		t.Errorf("the app was told %v", got)
	}
	if calls := w.wechat.CountCalls(wechattest.AtToken); calls != 2 {
		t.Errorf("%d codes were spent, want 2", calls)
	}
}

// 快照页: a page says what to tap, is the same after a reload, and every way out
// of it leads to the app.
func TestBrowserSnapshot(t *testing.T) {
	w := newWorld(t)
	site := w.secureSite(options{})
	target := site + "/orders?id=7"
	for way, leave := range map[string]func(b *browser, authorize string){
		// WeChat shows its own page again, and comes back with another code.
		"their button": func(b *browser, authorize string) { b.open(authorize) },
		"our button":   func(b *browser, _ string) { b.tap("a.button") },
		"the link that was shared": func(b *browser, _ string) {
			b.open(target)
			b.meets("consent", "使用微信登录")
			b.tap("a.button.primary")
		},
	} {
		if err := w.wechat.AddPerson(wechattest.Person{ID: way, Nickname: way, InSnapshot: true}); err != nil {
			t.Fatal(err)
		}
		b := w.phone(way)
		w.app.take()
		b.open(target)
		b.meets("consent", "使用微信登录")
		b.tap("a.button.primary")
		b.meets("snapshot", "使用完整服务")
		b.reloads()
		b.meets("snapshot", "使用完整服务")
		if requests := w.app.take(); len(requests) > 0 {
			t.Errorf("%s: the app heard of a virtual visitor: %v", way, requests)
		}
		if err := w.wechat.LeaveSnapshot(way); err != nil {
			t.Fatal(err)
		}
		leave(b, b.seen.last("/connect/oauth2/authorize"))
		b.allow()
		b.arrives(target)
		b.sees("app: ")
		if got := w.app.last(t, "/orders?id=7"); got["x-wechat-openid"] != w.wechat.OpenID(way, appID) || got["x-wechat-snapshot"] != "" {
			t.Errorf("%s: the app was told %v", way, got)
		}
	}
}

// Where the site allows it, a virtual visitor reads as a marked guest.
func TestBrowserSnapshotGuest(t *testing.T) {
	w := newWorld(t)
	w.app.answer(formPage)
	site := w.secureSite(options{auth: "snapshot guest"})
	w.quirks(wechattest.Quirks{Snapshot: true})
	b := w.phone("ming")
	b.open(site + "/form?id=7")
	b.meets("consent", "使用微信登录")
	b.tap("a.button.primary")
	b.arrives(site + "/form?id=7")
	b.sees("app: /form")
	if got := w.app.last(t, "/form?id=7"); got["x-wechat-snapshot"] != "1" || got["x-wechat-openid"] != "" || got["x-wechat-user"] != "" {
		t.Errorf("the app was told %v", got)
	}
	w.app.take()
	b.tap("#save")
	b.sees("snapshot_read_only")
	for _, r := range w.app.take() {
		if r.method == http.MethodPost {
			t.Errorf("a guest wrote: %+v", r)
		}
	}
}

// A code that WeChat does not take, once: the visitor sees nothing of it.
func TestBrowserSpoiltCode(t *testing.T) {
	w := newWorld(t)
	site := w.secureSite(options{auth: "scope snsapi_base"})
	w.quirks(wechattest.Quirks{WrongErrcode: wechattest.Number{Value: 40163, Endpoint: wechattest.AtToken, Next: 2}})
	b := w.phone("ming")
	b.open(site + "/orders?id=7")
	b.arrives(site + "/orders?id=7")
	b.sees("app: ")
	if calls := w.wechat.CountCalls(wechattest.AtToken); calls != 3 {
		t.Errorf("WeChat was asked %d times, want 3", calls)
	}
	if log := w.log(); !strings.Contains(log, `"errcode":40163`) {
		t.Error("the log says nothing of it")
	}
}
