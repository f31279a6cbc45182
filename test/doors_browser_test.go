package test

import (
	"strings"
	"testing"
)

// A web-view, as a real browser: the ticket goes, the rest of the address
// stays, its fragment too, and Back does not meet the ticket again.
func TestBrowserWebView(t *testing.T) {
	d := newDoorWorld(t, doorOptions{secure: true})
	mini := d.enter(d.person("lan"), atMini)
	const uri = "/orders?from=mini&x=%26&empty="
	view := d.chromium(webViewUA, "375,812")
	view.do(phoneScreen(), view.holds("hong")) // whoever holds the phone: the ticket says who it is
	view.open(d.site + mini.ticketFor(uri) + "#part")
	view.arrives(d.site + uri + "#part")
	view.sees("app: " + uri)
	got := d.app.last(t, uri)
	if got["x-wechat-openid"] != d.wechat.OpenID("lan", miniAppID) || got["x-wechat-scope"] != "mini_program" || got["x-wechat-account"] != "mini" {
		t.Errorf("the app was told %v", got)
	}
	for _, r := range d.app.take() {
		if strings.Contains(r.uri, "ticket") || strings.Contains(r.header.Get("Referer"), "ticket") {
			t.Errorf("the app has seen the ticket: %s, Referer %q", r.uri, r.header.Get("Referer"))
		}
	}
	view.open(d.site + "/next")
	view.sees("app: /next")
	view.goes(-1)
	view.arrives(d.site + uri + "#part")
	view.reloads()
	view.sees("app: " + uri)
	if calls := d.wechat.CountCalls("/sns/oauth2/access_token"); calls != 0 {
		t.Errorf("the web-view signed in at WeChat %d times", calls)
	}
	for _, cookie := range view.cookies(d.site) {
		if strings.Contains(cookie.Name, "ticket") {
			t.Errorf("the cookie %s is left", cookie.Name)
		}
	}
	d.noSecretsInLogs()
}
