package gate_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

const (
	siteApp    = "wx00000000000000c1"
	siteSecret = "the-secret-of-the-website-0123456789a"
)

// website lets desktops sign in by WeChat's QR page.
func website(w *town) {
	w.gate.OtherAccounts = append(w.gate.OtherAccounts, wechat.Account{
		Kind: wechat.Website, Name: "pc", Credentials: wechat.Credentials{AppID: siteApp, Secret: wechat.NewSecret(siteSecret)},
	})
	w.gate.Rules.OutsideWeChat = site.OutsideLogin
}

// desktop is a computer in front of somebody.
func (w *town) desktop(person string) *browser {
	b := w.browser(person)
	b.ua = desktopUA
	return b
}

// qrPage opens an address up to WeChat's QR page.
func (b *browser) qrPage(address string) hop {
	b.town.t.Helper()
	page := b.open(address).last()
	if !strings.HasPrefix(page.url, "https://open.weixin.qq.com/connect/qrconnect?appid="+siteApp) || page.status != http.StatusOK {
		b.town.t.Fatalf("%s does not lead to the QR page but to %s %d %s", address, page.url, page.status, page.body)
	}
	return page
}

// confirms clicks allow, or refuse, on WeChat's QR page, up to the callback.
func (b *browser) confirms(page hop, allow bool) hop {
	b.town.t.Helper()
	yes, no, _, ok := wechattest.QRLinks(page.body)
	if !ok {
		b.town.t.Fatalf("no QR page: %s", page.body)
	}
	if !allow {
		yes = no
	}
	return b.send(http.MethodGet, "https://open.weixin.qq.com"+yes, "")
}

// A desktop signs in as the same person as the phone, with everything given.
func TestWebsite(t *testing.T) {
	t.Parallel()
	w := newTown(t, website, crm)
	phone := w.browser("alice")
	known := phone.consents("/").last().upstream().Header
	b := w.desktop("alice")
	answer := b.confirms(b.qrPage("/x?y=1"), true)
	v := b.open(answer.location())
	got := v.last().upstream()
	if v.last().url != shop+"/x?y=1" || got.Header.Get("X-Wechat-User") != known.Get("X-Wechat-User") || got.Header.Get("X-Wechat-Unionid") != known.Get("X-Wechat-Unionid") {
		t.Errorf("%s: %v", v, got.Header)
	}
	for name, want := range map[string]string{
		"X-Wechat-App-Id": siteApp, "X-Wechat-Account": "pc", "X-Wechat-Scope": "snsapi_login", "X-Wechat-Openid": w.weChat.OpenID("alice", siteApp),
		"X-Wechat-Nickname": known.Get("X-Wechat-Nickname"),
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want)
		}
	}
	// Every scope is satisfied, and asking again is no dance.
	for _, address := range []string{"/", "/_wechat/login?scope=snsapi_userinfo&return_to=/y"} {
		if v := b.open(address); v.last().header.Get("X-Upstream") == "" || len(v) > 2 {
			t.Errorf("%s: %s", address, v)
		}
	}
	if got := b.script(http.MethodGet, "/_wechat/session").json().User; got["account"] != "pc" || got["scope"] != "snsapi_login" {
		t.Errorf("session: %v", got)
	}
	events := w.told()
	last := events[len(events)-1]
	if last.Kind != ledger.SignedIn || last.Scope != "snsapi_login" || last.AppID != siteApp {
		t.Errorf("the last event is %+v", last)
	}
	if lines := w.audited(); lines[len(lines)-1]["account"] != "pc" || lines[len(lines)-1]["action"] != "sign_in" {
		t.Errorf("audit: %v", lines[len(lines)-1])
	}
	// A duplicate hit, and Back: no second code is spent.
	calls := w.weChat.CountCalls(exchangePath)
	if v := b.open(answer.location()); v.last().url != shop+"/x?y=1" || w.weChat.CountCalls(exchangePath) != calls {
		t.Errorf("again: %s", v)
	}
	if h := b.form("/_wechat/logout", nil); h.kind() != "signed_out" {
		t.Errorf("logout: %d %s", h.status, h.kind())
	}
	b.qrPage("/x")
}

// Inside WeChat, on a desktop too, it is the official account.
func TestWebsiteInWeChat(t *testing.T) {
	t.Parallel()
	w := newTown(t, website, scope(wechat.ScopeBase))
	if got := w.browser("alice").open("/").last().upstream().Header; got.Get("X-Wechat-App-Id") != shopApp {
		t.Errorf("%v", got)
	}
	if h := w.desktop("alice").script(http.MethodGet, "/api"); h.status != http.StatusUnauthorized {
		t.Errorf("script: %d", h.status)
	}
}

// Today's refusal is a dead end at WeChat's: the visitor goes back, and may try
// again. The old one comes back with a state only: a page with a way back, and
// one event, however often it comes.
func TestWebsiteRefused(t *testing.T) {
	t.Parallel()
	w := newTown(t, website, crm)
	b := w.desktop("alice")
	if h := b.confirms(b.qrPage("/x"), false); h.redirects() || !strings.HasPrefix(h.url, "https://open.weixin.qq.com/") {
		t.Errorf("refused: %d %s", h.status, h.location())
	}
	b.qrPage("/x")
	if err := w.weChat.SetQuirks(wechattest.Quirks{OldRefusal: wechattest.Knob{On: true}}); err != nil {
		t.Fatal(err)
	}
	back := b.confirms(b.qrPage("/x?y"), false).location()
	for range 2 {
		h := b.open(back).last()
		if h.kind() != "try_again" || h.button() != "/_wechat/login?return_to=%2Fx%3Fy" {
			t.Fatalf("%d %q %s", h.status, h.kind(), h.button())
		}
		b.qrPage(h.button())
	}
	events := w.told()
	if len(events) != 1 || events[0].Kind != ledger.Declined || events[0].Scope != "snsapi_login" || events[0].Reason != "wechat" || events[0].AppID != siteApp || events[0].Person != "" {
		t.Errorf("events %+v", events)
	}
	lines := w.audited()
	if len(lines) != 2 || lines[0]["action"] != "decline" || lines[0]["account"] != "pc" || lines[0]["reason"] != "wechat" {
		t.Errorf("audit %v", lines)
	}
	for _, code := range []string{"code=authdeny", "code="} {
		b.qrPage("/x?y")
		back := begunAt(b.send(http.MethodGet, "/x?y", ""))
		if h := b.open(back + "&" + code).last(); h.kind() != "try_again" {
			t.Errorf("%s: %d %q", code, h.status, h.kind())
		}
		if events := w.told(); len(events) != 1 || events[0].Kind != ledger.Declined {
			t.Errorf("%s: events %+v", code, events)
		}
	}
	if w.weChat.CountCalls(exchangePath) != 0 || w.passed.Load() != 0 {
		t.Error("a refused dance went on")
	}
}

// A flood of refusals from one network does not fill the outbox.
func TestWebsiteRefusalFlood(t *testing.T) {
	t.Parallel()
	w := newTown(t, website, crm)
	b := w.desktop("alice")
	for range 70 {
		begun := b.send(http.MethodGet, "/x", "").location()
		u, err := url.Parse(begun)
		if err != nil {
			t.Fatal(err)
		}
		if h := b.send(http.MethodGet, u.Query().Get("redirect_uri")+"?state="+u.Query().Get("state"), ""); h.kind() != "try_again" {
			t.Fatalf("%d %s", h.status, h.kind())
		}
	}
	if n := len(w.told()); n != 10 {
		t.Errorf("%d events, want 10", n)
	}
}

// The account of a dance that is under way was taken away: nothing is spent,
// and the visitor signs in as the site has it now.
func TestWebsiteGone(t *testing.T) {
	t.Parallel()
	w := newTown(t, website)
	b := w.desktop("alice")
	back := b.confirms(b.qrPage("/x"), true).location()
	w.gate.OtherAccounts, w.gate.Rules.OutsideWeChat = nil, site.OutsideQR
	w.reload()
	if h := b.open(back).last(); h.kind() != "open_in_wechat" || w.weChat.CountCalls(exchangePath) != 0 {
		t.Errorf("%d %s", h.status, h.kind())
	}
}

// What goes wrong is logged with the account that it is about.
func TestWebsiteMisconfigured(t *testing.T) {
	t.Parallel()
	w := newTown(t, website)
	b := w.desktop("alice")
	page := b.qrPage("/x")
	w.weChat.answer(`{"errcode":40125,"errmsg":"invalid appsecret, rid: 1-2-3"}`)
	if h := b.open(b.confirms(page, true).location()).last(); h.kind() != "misconfigured" {
		t.Errorf("%d %s", h.status, h.kind())
	}
	if lines := w.log.lines("sign-in is misconfigured"); len(lines) != 1 || !strings.Contains(lines[0], `"account":"pc"`) {
		t.Errorf("log %v", lines)
	}
	w.weChat.answer(virtual)
	if h := b.open(b.confirms(b.qrPage("/x"), true).location()).last(); h.kind() != "denied" {
		t.Errorf("a virtual visitor: %d %s", h.status, h.kind())
	}
}

// self_redirect: the callback comes inside a frame, where the browser sends no
// cookies. It spends nothing and begins nothing; one click finishes in the
// whole window. No page of another site can frame it.
func TestWebsiteFramedCallback(t *testing.T) {
	t.Parallel()
	w := newTown(t, website)
	b := w.desktop("alice")
	back := b.confirms(b.qrPage("/x"), true).location()
	frame := w.desktop("alice") // its own cookies: none
	for _, address := range []string{back, back + "x", shop + "/_wechat/callback/a/b?code=1&state=2", strings.Replace(back, "code=", "c=", 1)} {
		h := frame.send(http.MethodGet, address, "", "Sec-Fetch-Dest", "iframe", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "cross-site")
		if h.kind() != "framed" || h.status != http.StatusOK || len(h.header["Set-Cookie"]) != 0 || h.redirects() {
			t.Fatalf("%d %q %v", h.status, h.kind(), h.header)
		}
		if !strings.Contains(h.body, `href="" target="_top"`) || strings.Contains(h.body, "<script") {
			t.Error("no way out of the frame, or a script")
		}
		// The address of the page holds the code; its text does not.
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if code := u.Query().Get("code"); len(code) > 8 && strings.Contains(h.body, code) {
			t.Error("the page holds the code")
		}
		policy := h.header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "frame-ancestors 'self'") || h.header.Get("X-Frame-Options") != "SAMEORIGIN" || h.header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("policy %s", policy)
		}
	}
	// With the cookies too: the app's page does not belong into that frame.
	if h := b.send(http.MethodGet, back, "", "Sec-Fetch-Dest", "iframe", "Sec-Fetch-Mode", "navigate"); h.kind() != "framed" {
		t.Errorf("%d %q", h.status, h.kind())
	}
	if w.weChat.CountCalls(exchangePath) != 0 {
		t.Fatal("a frame has spent the code")
	}
	if v := b.open(back, "Sec-Fetch-Dest", "document", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin"); v.last().url != shop+"/x" {
		t.Errorf("the whole window: %s", v)
	}
}

// The official account's dance in a frame whose cookies come is as ever.
func TestOfficialFramedCallback(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	b := w.browser("alice")
	back := b.until("/x")
	headers := []string{"Sec-Fetch-Dest", "iframe", "Sec-Fetch-Mode", "navigate"}
	if h := w.browser("carol").send(http.MethodGet, back, "", headers...); h.kind() != "framed" || w.weChat.CountCalls(exchangePath) != 0 {
		t.Errorf("without cookies: %d %s", h.status, h.kind())
	}
	if h := b.send(http.MethodGet, back, "", headers...); h.location() != shop+"/x" {
		t.Errorf("with cookies: %d %s", h.status, h.location())
	}
}

// Which way a desktop is led depends on the accounts and on whose servers these
// are.
func TestOutsideLoginChooses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                 string
		website, real, scans bool
		want                 string
	}{
		{"a website's account", true, true, true, "qrconnect"},
		{"a website's account, simulator", true, false, true, "qrconnect"},
		{"none, WeChat's own servers", false, true, true, "scan"},
		{"none, WeChat's own servers, no store for scans", false, true, false, "open_in_wechat"},
		{"none, simulator", false, false, true, "authorize"},
	} {
		w := newTown(t, outside(site.OutsideLogin), func(w *town) {
			if c.website {
				website(w)
			}
			if w.hub.RealWeChat = c.real; !c.scans {
				w.hub.Scans = nil
			}
		})
		h := w.desktop("alice").send(http.MethodGet, "/x", "")
		got := h.kind()
		if got == "" {
			u, err := url.Parse(h.location())
			if err != nil {
				t.Fatal(err)
			}
			got = u.Path[strings.LastIndexByte(u.Path, '/')+1:]
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if v := w.browser("alice").open("/x"); !slices.Equal(v.scopes(), []string{base}) {
			t.Errorf("%s: in WeChat: %s", c.name, v)
		}
	}
}
