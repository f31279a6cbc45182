package test

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// screen is a desktop that shows our QR code.
type screen struct {
	*browser
	code, number string // the address in the code, and the number beside it
}

// showsScan opens an address on a desktop and reads what the page shows. That
// the picture is the code of the address is checked, module by module.
func (b *browser) showsScan(site, address string) screen {
	b.t.Helper()
	b.open(address)
	b.is("meets scan", "document.querySelector('main.scan')")
	b.picture("scan")
	var shown struct{ Number, Wait string }
	if err := b.js("({number: document.querySelector('.number').innerText.trim(), wait: document.querySelector('[data-wait]').dataset.wait})", &shown); err != nil {
		b.t.Fatal(err)
	}
	for _, cookie := range b.cookies(site + shown.Wait) {
		if _, sealed, ok := strings.Cut(cookie.Value, "."); ok && strings.Contains(cookie.Name, "wechat-scan") && cookie.Path == shown.Wait {
			s := screen{browser: b, code: site + "/_wechat/scan/" + sealed, number: shown.Number}
			b.checkQR(".qr svg", s.code)
			return s
		}
	}
	b.t.Fatalf("no cookie for %s\n%s", shown.Wait, b.situation())
	return screen{}
}

// confirms opens the screen's code and taps a number, or no.
func (b *browser) confirms(s screen, tap string) {
	b.t.Helper()
	b.open(s.code)
	b.answers(tap)
}

// answers is what the holder does on the page that asks.
func (b *browser) answers(tap string) {
	b.t.Helper()
	b.meets("scan_confirm", "要在电脑上登录吗")
	b.sees("Windows · Chrome")
	b.sees("127.0.0.x")
	b.tap(tap)
}

// numbered is the button with a number.
func numbered(number string) string { return `button[name="number"][value="` + number + `"]` }

// wrongNumber is one that the phone offers and the screen does not show.
func (b *browser) wrongNumber(s screen) string {
	b.t.Helper()
	var numbers []string
	if err := b.js(`[...document.querySelectorAll('button[name="number"]')].map(e => e.value)`, &numbers); err != nil || len(numbers) != 3 || !slices.Contains(numbers, s.number) {
		b.t.Fatalf("the phone offers %v, the screen shows %s (%v)", numbers, s.number, err)
	}
	return slices.DeleteFunc(numbers, func(n string) bool { return n == s.number })[0]
}

// The whole way, without a website account: by server-sent events, by asking,
// and without any script; the phone signed in before, or not yet.
func TestBrowserScanToSignIn(t *testing.T) {
	d := newDoorWorld(t, doorOptions{secure: true, options: options{auth: "outside_wechat scan"}})
	known, late := d.phone("ming"), d.phone("hong")
	known.signsIn(d.site + "/first")
	late.signsIn(d.site + "/late")
	for _, way := range []struct {
		name    string
		prepare chromedp.Action
		script  bool
	}{
		{"events", chromedp.ActionFunc(func(context.Context) error { return nil }), true},
		{"asking", chromedp.ActionFunc(func(ctx context.Context) error {
			_, err := page.AddScriptToEvaluateOnNewDocument("delete window.EventSource").Do(ctx)
			return err //nolint:wrapcheck // of the browser
		}), true},
		{"no script", emulation.SetScriptExecutionDisabled(true), false},
	} {
		t.Run(way.name, func(t *testing.T) {
			uri := "/orders/%E5%95%86%E5%93%81?id=7&b=%2F&way=" + url.QueryEscape(way.name)
			desktop := d.desktop()
			desktop.do(way.prepare)
			s := desktop.showsScan(d.site, d.site+uri)
			late.open(s.code)
			late.meets("scan_confirm", "要在电脑上登录吗")
			known.confirms(s, numbered(s.number))
			known.meets("scan_confirmed", "电脑已登录")
			desktop.sees("app: ") // the page with the code had that address, too
			desktop.arrives(d.site + uri)
			got, want := d.app.last(t, uri), d.app.last(t, "/first")
			for name, value := range want {
				if got[name] != value {
					t.Errorf("%s: %q, want %q", name, got[name], value)
				}
			}
			// Used: another phone is too late, and the desktop stays who it is.
			late.answers(numbered(s.number))
			late.meets("scan_expired", "二维码已失效")
			late.open(s.code)
			late.meets("scan_expired", "二维码已失效")
			desktop.open(d.site + "/next")
			desktop.sees("app: /next")
			if again := d.app.last(t, "/next"); again["x-wechat-user"] != got["x-wechat-user"] {
				t.Errorf("after a late one: %v", again)
			}
		})
	}
	if err := d.wechat.AddPerson(wechattest.Person{ID: "lan", Nickname: "lan"}); err != nil {
		t.Fatal(err)
	}
	t.Run("a phone that is nobody yet", func(t *testing.T) {
		desktop, phone := d.desktop(), d.phone("lan")
		s := desktop.showsScan(d.site, d.site+"/orders?id=8")
		phone.open(s.code)
		phone.meets("consent", "使用微信登录")
		phone.tap("a.button.primary")
		phone.allow()
		phone.answers(numbered(s.number))
		phone.meets("scan_confirmed", "电脑已登录")
		desktop.sees("app: /orders?id=8") // the page with the code had that address, too
		desktop.arrives(d.site + "/orders?id=8")
		if got := d.app.last(t, "/orders?id=8"); got["x-wechat-openid"] != d.wechat.OpenID("lan", appID) || got["x-wechat-nickname"] == "" {
			t.Errorf("the app was told %v", got)
		}
	})
	d.noSecretsInLogs()
}

// A wrong number is a no, no is a no, and the desktop shows it and begins anew.
func TestBrowserScanIsRefused(t *testing.T) {
	d := newDoorWorld(t, doorOptions{secure: true, options: options{auth: "outside_wechat scan"}})
	phone, desktop := d.phone("ming"), d.desktop()
	phone.signsIn(d.site + "/first")
	d.app.take()
	s := desktop.showsScan(d.site, d.site+"/orders?id=7")
	phone.open(s.code)
	phone.meets("scan_confirm", "要在电脑上登录吗")
	phone.tap(numbered(phone.wrongNumber(s)))
	phone.meets("scan_denied", "登录已取消")
	desktop.meets("scan_denied", "登录已取消")
	desktop.tap("a.button")
	desktop.is("meets scan again", "document.querySelector('main.scan')")
	s = desktop.showsScan(d.site, d.site+"/orders?id=7")
	phone.confirms(s, `button[name="deny"]`)
	phone.meets("scan_denied", "登录已取消")
	desktop.meets("scan_denied", "登录已取消")
	for _, r := range d.app.take() {
		if strings.HasPrefix(r.uri, "/orders") {
			t.Errorf("the app was reached: %v", r)
		}
	}
}

// Attack: who has photographed the code, or read an address in a log, is not
// signed in by it: the session is for the browser with the cookie.
func TestBrowserScanIsForItsBrowserOnly(t *testing.T) {
	d := newDoorWorld(t, doorOptions{secure: true, options: options{auth: "outside_wechat scan"}})
	phone, desktop, thief := d.phone("ming"), d.desktop(), d.desktop()
	phone.signsIn(d.site + "/first")
	s := desktop.showsScan(d.site, d.site+"/orders?id=7")
	var next string
	if err := desktop.js("document.querySelector('[data-next]').dataset.next", &next); err != nil || next == "" {
		t.Fatalf("%q %v", next, err)
	}
	desktop.open("about:blank") // so that the thief is first
	phone.confirms(s, numbered(s.number))
	phone.meets("scan_confirmed", "电脑已登录")
	thief.open(d.site + next)
	thief.meets("scan_expired", "二维码已失效")
	thief.open(s.code)
	thief.meets("open_in_wechat", "请在微信中打开")
	desktop.open(d.site + next)
	desktop.arrives(d.site + "/orders?id=7")
	desktop.sees("app: /orders?id=7")
}

// copies takes every cookie of a site that another browser has.
func (b *browser) copies(from *browser, site string) {
	b.t.Helper()
	for _, c := range from.cookies(site) {
		b.do(network.SetCookie(c.Name, c.Value).WithURL(site).WithPath(c.Path).WithSecure(c.Secure).WithHTTPOnly(c.HTTPOnly))
	}
}

// Attack: who has a copy of a visitor's cookies confirms a code of their own
// browser with it. Outside WeChat they read where to open it; in their own
// WeChat they are asked as themselves.
func TestBrowserScanIsNotConfirmedByACopy(t *testing.T) {
	d := newDoorWorld(t, doorOptions{secure: true, options: options{auth: "outside_wechat scan"}})
	victim, thief, other := d.phone("ming"), d.desktop(), d.phone("hong")
	victim.signsIn(d.site + "/first")
	s := d.desktop().showsScan(d.site, d.site+"/orders?id=7")
	thief.copies(victim, d.site)
	thief.open(d.site + "/copied")
	thief.sees("app: /copied") // the copy is good, but for this
	thief.open(s.code)
	thief.meets("open_in_wechat", "请在微信中打开")
	other.copies(victim, d.site)
	other.open(s.code)
	other.meets("consent", "使用微信登录")
	other.tap("a.button.primary")
	other.allow()
	other.answers(numbered(s.number))
	other.meets("scan_confirmed", "电脑已登录")
	s.sees("app: /orders?id=7")
	if got := d.app.last(t, "/orders?id=7"); got["x-wechat-openid"] != d.wechat.OpenID("hong", appID) {
		t.Errorf("the app was told %v", got)
	}
	d.noSecretsInLogs()
}
