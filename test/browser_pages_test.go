package test

import (
	"bytes"
	"image/png"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
	"rsc.io/qr"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// Outside WeChat: a page whose QR code leads to the address that was asked for.
func TestBrowserOutsideWeChat(t *testing.T) {
	w := newWorld(t)
	site := w.secureSite(options{})
	address := site + "/orders/%E5%95%86%E5%93%81?id=7"
	otherPhone := w.chromium(otherPhoneUA, "375,812")
	otherPhone.do(phoneScreen())
	for _, b := range []*browser{w.desktop(), otherPhone} {
		b.open(address)
		b.meets("open_in_wechat", "请在微信中打开")
		b.arrives(address)
		b.sees(address)
		b.checkQR(".qr svg", address)
		b.reloads()
		b.meets("open_in_wechat", "请在微信中打开")
	}
	if got := w.app.take(); len(got) > 0 {
		t.Errorf("the app was reached: %v", got)
	}
}

const otherPhoneUA = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36"

// checkQR compares what an element shows, module by module, with a QR code of
// the address.
func (b *browser) checkQR(selector, address string) {
	b.t.Helper()
	var picture []byte
	b.do(chromedp.Screenshot(selector, &picture, chromedp.ByQuery))
	shown, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		b.t.Fatal(err)
	}
	code, err := qr.Encode(address, qr.M)
	if err != nil {
		b.t.Fatal(err)
	}
	const quiet = 4
	side, size := float64(code.Size+2*quiet), shown.Bounds().Size()
	if size.X < 150 || size.X != size.Y {
		b.t.Fatalf("the QR code is %v pixels large", size)
	}
	wrong := 0
	for y := -quiet; y < code.Size+quiet; y++ {
		for x := -quiet; x < code.Size+quiet; x++ {
			scale := float64(size.X) / side
			r, _, _, _ := shown.At(int((float64(x+quiet)+.5)*scale), int((float64(y+quiet)+.5)*scale)).RGBA()
			if black := r < 0x8000; black != code.Black(x, y) {
				wrong++
			}
		}
	}
	if wrong > 0 {
		b.t.Errorf("%d modules of the QR code are not those of %s", wrong, address)
	}
}

// The pages for what goes wrong on WeChat's side, and the way out of each.
func TestBrowserTroublePages(t *testing.T) {
	w := newWorld(t)
	site := w.secureSite(options{})
	token := func(code int) wechattest.Quirks {
		return wechattest.Quirks{WrongErrcode: wechattest.Number{Value: code, Endpoint: wechattest.AtToken}}
	}
	for _, trouble := range []struct {
		kind, title string
		quirks      wechattest.Quirks
		wayOut      string
	}{
		{"try_again", "登录没有完成", token(40163), "a.button"},
		{"misconfigured", "微信登录尚未设置好", token(40125), ""},
		{"denied", "这个微信号不能在此登录", token(50002), ""},
		{"unavailable", "请稍等片刻", wechattest.Quirks{HTMLBody: wechattest.Knob{On: true, Endpoint: wechattest.AtToken}}, "itself"},
	} {
		b := w.phone("hong")
		w.quirks(trouble.quirks)
		b.open(site + "/orders?id=7")
		b.meets(trouble.kind, trouble.title)
		w.quirks(wechattest.Quirks{})
		switch trouble.wayOut {
		case "":
			b.open(site + "/orders?id=7") // tomorrow
		case "itself":
		default:
			b.tap(trouble.wayOut)
		}
		b.meets("consent", "使用微信登录")
		b.arrives(site + "/orders?id=7")
	}
}

// A browser, or something in between, that spoils our cookie is not sent round
// for ever.
func TestBrowserWithoutOurCookie(t *testing.T) {
	w := newWorld(t)
	site := w.secureSite(options{before: `header >Set-Cookie "^(__Host-wechat-[0-9]+)=[^;]+" "$1=spoilt"`})
	b := w.phone("ming")
	b.open(site + "/orders?id=7")
	b.meets("cookies_off", "请允许使用 Cookie")
	if calls := w.wechat.CountCalls(wechattest.AtToken); calls > 4 {
		t.Errorf("WeChat was asked %d times", calls)
	}
}

// formPage is an app with a form, and a button to sign out.
func formPage(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = rw.Write([]byte(`<title>app</title>app: ` + r.RequestURI + `
<form method="post" action="/save"><input name="text" value="你好"><button id="save">save</button></form>
<form method="post" action="/_wechat/logout"><button id="leave">leave</button></form>`))
}

// A form that is sent after the session has gone is not lost silently, where
// the site does not keep it: a page says so and leads back to the form.
func TestBrowserFormAfterTheSession(t *testing.T) {
	w := newWorld(t)
	w.app.answer(formPage)
	site := w.secureSite(options{auth: "preserve_post off"})
	b := w.phone("ming")
	b.signsIn(site + "/form?id=7")
	b.forgets(site)
	w.app.take()
	b.tap("#save")
	b.meets("sign_in_expired", "登录已过期")
	for _, r := range w.app.take() {
		if r.method == http.MethodPost {
			t.Errorf("the app received the form from nobody: %+v", r)
		}
	}
	b.tap("a.button.primary")
	b.arrives(site + "/form?id=7")
	b.tap("#save")
	b.arrives(site + "/save")
	b.sees("app: /save")
	if got := w.app.last(t, "/save"); got["x-wechat-openid"] != w.wechat.OpenID("ming", appID) {
		t.Errorf("the form came from %v", got)
	}
}

// Signing out, by a button of the app's page.
func TestBrowserSignsOut(t *testing.T) {
	w := newWorld(t)
	w.app.answer(formPage)
	site := w.secureSite(options{})
	b := w.phone("ming")
	b.signsIn(site + "/form?id=7")
	b.tap("#leave")
	b.meets("signed_out", "已退出登录")
	for _, cookie := range b.cookies(site) {
		t.Errorf("after signing out there is the cookie %s", cookie.Name)
	}
	b.tap("a.button")
	b.arrives(site + "/")
	b.sees("app: /")
}
