//go:build fleet

package test

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// chromium is a browser that finds the shop at one gateway.
func (f *fleet) chromium(g *gatewayProcess, userAgent, size string) *browser {
	f.t.Helper()
	b := startChromium(f.t, map[string]string{
		"user-agent": userAgent, "window-size": size, "host-resolver-rules": "MAP shop.test:80 " + g.shop,
	})
	b.world = &world{t: f.t, wechat: f.wechat, sim: f.sim}
	return b
}

// Scan-to-sign-in on two gateways: the desktop waits at one, by server-sent
// events, and the phone, which has signed in at the other, confirms there.
func TestFleetScanToSignIn(t *testing.T) {
	f := newFleet(t)
	options := redistest.Options{AppendOnly: true}
	server := redistest.Standalone(t, options)
	f.both(fleetConfig{store: f.redisStore(server, options), auth: "outside_wechat scan"})
	for _, turn := range []struct{ desktop, phone *gatewayProcess }{{f.a, f.b}, {f.b, f.a}, {f.a, f.a}} {
		desktop, phone := f.chromium(turn.desktop, desktopUA, "1280,800"), f.chromium(turn.phone, androidUA, "375,812")
		phone.do(phoneScreen(), phone.holds("ming"))
		s := desktop.showsScan(shopSite, shopSite+"/orders?id=7")
		phone.open(s.code)
		phone.is("is asked", "document.querySelector('main.consent, main.scan_confirm')")
		if phone.shows("使用微信登录") {
			phone.tap("a.button.primary")
			phone.allow()
		}
		phone.meets("scan_confirm", "要在电脑上登录吗")
		phone.tap(numbered(s.number))
		phone.meets("scan_confirmed", "电脑已登录")
		desktop.sees("X-Wechat-Openid")
		desktop.arrives(shopSite + "/orders?id=7")
		var told map[string]string
		if err := desktop.js("JSON.parse(document.body.innerText)", &told); err != nil || told["X-Wechat-Openid"] != f.wechat.OpenID("ming", appID) {
			t.Errorf("desktop on %s, phone on %s: the app was told %v (%v)", turn.desktop.name, turn.phone.name, told, err)
		}
		desktop.do(chromedp.Navigate("about:blank"))
	}
}
