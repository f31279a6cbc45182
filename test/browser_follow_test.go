package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// A visitor who does not follow sees the account's code on one screen of a
// phone, follows by it, and goes on to the page that was asked for.
func TestBrowserFollow(t *testing.T) {
	w := newWorld(t)
	site := w.secureSite(options{auth: "allow followers\n\t\tscope snsapi_base"})
	const uri = "/orders/%E5%95%86%E5%93%81?id=7&b=%2F"
	b := w.phone("ming")
	b.open(site + uri)
	b.meets("follow", "请先关注公众号")
	b.arrives(site + uri)
	codes := w.wechat.FollowAddresses(appID)
	if len(codes) != 1 {
		t.Fatalf("the codes are %v", codes)
	}
	b.checkQR("img.code", codes[0])
	b.is("is on one screen", `document.documentElement.scrollHeight <= innerHeight && document.querySelector("button.primary").getBoundingClientRect().bottom <= innerHeight`)
	b.is("loads nothing from elsewhere", `performance.getEntriesByType("resource").every(e => e.name.startsWith("data:"))`)
	b.readable("follow")
	b.tap("button.primary")
	b.sees("您还没有关注公众号")
	b.meets("follow", "您还没有关注公众号")
	if _, err := w.wechat.ScanToFollow("ming", codes[0]); err == nil {
		t.Error("the account has no push address") // so that only the button can tell
	}
	b.tap("button.primary")
	b.arrives(site + uri)
	b.sees("app: ")
	if got := w.app.last(t, uri); got["x-wechat-openid"] != w.wechat.OpenID("ming", appID) {
		t.Errorf("the app was told %v", got)
	}
	b.reloads()
	b.sees("app: ")
}

// A desktop, an English browser, a picture of the operator's, and no code at
// all.
func TestBrowserFollowLooks(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(w.folder, "qr.svg")
	if err := os.WriteFile(file, []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><rect width="40" height="40" fill="#f00"/></svg>`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		account string
		quirks  wechattest.Quirks
		check   string
	}{
		"own picture": {"qr " + file, wechattest.Quirks{}, `(i => i.complete && i.naturalWidth > 0 && i.getBoundingClientRect().width >= 200)(document.querySelector("img.code"))`},
		"no code": {
			"",
			wechattest.Quirks{WrongErrcode: wechattest.Number{Value: 48001, Endpoint: wechattest.AtQRCode}},
			`!document.querySelector("img.code") && document.body.textContent.includes("请在微信中搜索公众号")`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w.quirks(c.quirks)
			site := w.secureSite(options{account: c.account, auth: "allow followers\n\t\tscope snsapi_base", global: w.brandBlock("#07c160", redLogo)})
			b := w.phone("hong")
			b.open(site + "/")
			b.meets("follow", "请先关注公众号")
			b.is(name, c.check)
			b.picture("phone-" + strings.ReplaceAll(name, " ", "_"))
			b.do(chromedp.EmulateViewport(1280, 800))
			b.picture("desktop")
			b.readable(name)
		})
	}
}
