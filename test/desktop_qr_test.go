package test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// markup is what the browser has made of the page.
func (b *browser) markup() string {
	b.t.Helper()
	var html string
	b.do(chromedp.OuterHTML("html", &html))
	return html
}

// scansWeChatsCode opens on this phone what the QR code on WeChat's page leads
// to.
func (b *browser) scansWeChatsCode(screen *browser) {
	b.t.Helper()
	_, _, scan, ok := wechattest.QRLinks(screen.markup())
	if !ok {
		b.t.Fatalf("no code of WeChat's\n%s", screen.situation())
	}
	b.open(b.world.sim.URL + scan)
	b.sees("申请登录")
}

// A desktop, with a website account: WeChat's QR code, a phone that scans it
// and allows, and the very page that was asked for.
func TestBrowserDesktopByWeChatsQRCode(t *testing.T) {
	d := newDoorWorld(t, doorOptions{secure: true})
	phone := d.phone("ming")
	phone.signsIn(d.site + "/first")
	user := d.app.last(t, "/first")["x-wechat-user"]
	desktop := d.desktop()
	const uri = "/orders/%E5%95%86%E5%93%81?id=7&b=%2F&code=mine&state=mine"
	desktop.open(d.site + uri)
	desktop.sees("使用微信扫一扫登录")
	phone.scansWeChatsCode(desktop)
	phone.tap(`button[value="allow"]`)
	phone.sees("已确认登录")
	desktop.arrives(d.site + uri)
	desktop.sees("app: ")
	got := d.app.last(t, uri)
	if got["x-wechat-user"] != user || got["x-wechat-openid"] != d.wechat.OpenID("ming", websiteAppID) || got["x-wechat-scope"] != "snsapi_login" || got["x-wechat-nickname"] == "" {
		t.Errorf("the app was told %v, want user %s", got, user)
	}
	desktop.reloads()
	desktop.sees("app: ")
	d.noSecretsInLogs()
}

// Whoever refuses on the phone stays on WeChat's page today, and came back
// once: both lead to another try, and nobody is signed in.
func TestBrowserDesktopRefusesWeChatsQRCode(t *testing.T) {
	for _, old := range []bool{false, true} {
		t.Run(fmt.Sprintf("calls back %t", old), func(t *testing.T) {
			d := newDoorWorld(t, doorOptions{secure: true})
			d.quirks(wechattest.Quirks{OldRefusal: wechattest.Knob{On: old}})
			phone, desktop := d.phone("ming"), d.desktop()
			desktop.open(d.site + "/orders?id=7")
			desktop.sees("使用微信扫一扫登录")
			phone.scansWeChatsCode(desktop)
			phone.tap(`button[value="refuse"]`)
			phone.sees("已拒绝")
			if old {
				desktop.meets("try_again", "登录没有完成")
				desktop.tap("a.button")
			} else {
				desktop.sees("你已拒绝授权")
				desktop.open(d.site + "/orders?id=7") // Back leads to the empty tab
			}
			desktop.sees("使用微信扫一扫登录")
			if got := d.app.take(); len(got) > 0 {
				t.Errorf("the app was reached: %v", got)
			}
			desktop.tap(`button[value="allow"]`) // of the page itself: the desktop's own WeChat
			desktop.arrives(d.site + "/orders?id=7")
			desktop.sees("app: ")
		})
	}
}

// framable is simulated WeChat with a QR page that may stand in a frame, as the
// real one does for wxLogin.js.
func framable(s http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/connect/") {
			w = unframed{w}
		}
		s.ServeHTTP(w, r)
	})
}

type unframed struct{ http.ResponseWriter }

func (u unframed) WriteHeader(status int) {
	u.Header().Del("Content-Security-Policy")
	u.Header().Del("X-Frame-Options")
	u.ResponseWriter.WriteHeader(status)
}

func (u unframed) Write(b []byte) (int, error) {
	u.Header().Del("Content-Security-Policy")
	u.Header().Del("X-Frame-Options")
	return u.ResponseWriter.Write(b) //nolint:wrapcheck // a wrapper
}

// The QR code inside a page of the site, as docs/doors.md has it: the callback
// comes into the frame, without cookies, and one tap there ends it in the whole
// window.
func TestBrowserDesktopQRCodeInAFrame(t *testing.T) {
	d := newDoorWorld(t, doorOptions{secure: true, options: options{auth: "outside_wechat login\n\t\tpublic /welcome"}})
	d.sim.Config.Handler = framable(d.wechat)
	d.app.answer(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Path == "/welcome" {
			_, _ = w.Write([]byte(`<title>welcome</title><iframe src="/_wechat/login?return_to=/orders%3Fid=7" width="400" height="600" title="微信登录"></iframe>`))
			return
		}
		_, _ = w.Write([]byte("<title>app</title>app: " + r.RequestURI))
	})
	d.wechat.SetPhone("ming") // in a frame the simulator has no cookies either
	desktop := d.frameBrowser()
	desktop.open(d.site + "/welcome")
	desktop.frameIs("/connect/qrconnect", "document.body.innerText.includes('使用微信扫一扫登录')")
	desktop.frameTap("/connect/qrconnect", `button[value="allow"]`)
	desktop.frameIs("/_wechat/callback/", "document.querySelector('main.framed')")
	desktop.picture("framed")
	calls := d.wechat.CountCalls("/sns/oauth2/access_token")
	desktop.frameTap("/_wechat/callback/", "a.button")
	desktop.arrives(d.site + "/orders?id=7")
	desktop.sees("app: /orders?id=7")
	if got := d.app.last(t, "/orders?id=7"); got["x-wechat-openid"] != d.wechat.OpenID("ming", websiteAppID) || calls != 0 {
		t.Errorf("the app was told %v; %d codes were spent in the frame", got, calls)
	}
}
