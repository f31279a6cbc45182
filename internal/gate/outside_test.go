package gate_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

func outside(o site.Outside) func(*town) {
	return rules(func(r *site.Rules) { r.OutsideWeChat, r.Scope = o, wechat.ScopeBase })
}

func TestOutsideQR(t *testing.T) {
	t.Parallel()
	for _, o := range []site.Outside{site.OutsideQR, ""} {
		w := newTown(t, outside(o))
		b := w.browser("alice")
		b.ua = desktopUA
		for _, address := range []string{"/x?y=1&z={2}|3", "/_wechat/login?return_to=%2Fx%3Fy%3D1%26z%3D%7B2%7D%7C3"} {
			v := b.open(address)
			page := v.last()
			if len(v) != 1 || page.kind() != "open_in_wechat" || page.status != http.StatusForbidden {
				t.Fatalf("%d %q", page.status, page.kind())
			}
			if !strings.Contains(page.body, shop+"/x?y=1&amp;z=%7B2%7D%7C3") || !strings.Contains(page.body, "<svg") {
				t.Error("the page shows no address, or no QR code of it")
			}
		}
		if h := b.script(http.MethodGet, "/api"); h.status != http.StatusUnauthorized || h.json().Error != "not_signed_in" {
			t.Errorf("script: %d", h.status)
		}
		if w.passed.Load() != 0 {
			t.Error("a stranger reached the upstream")
		}
	}
}

func TestOutsideLogin(t *testing.T) {
	t.Parallel()
	w := newTown(t, outside(site.OutsideLogin))
	b := w.browser("alice")
	b.ua = desktopUA
	if v := b.open("/x"); !slices.Equal(v.scopes(), []string{base}) || v.last().upstream().Header.Get("X-Wechat-Openid") == "" {
		t.Errorf("%s", v)
	}
}

func TestOutsidePass(t *testing.T) {
	t.Parallel()
	w := newTown(t, outside(site.OutsidePass))
	b := w.browser("alice")
	b.ua = desktopUA
	if v := b.open("/x"); len(v) != 1 || v.last().upstream().Header.Get("X-Wechat-Openid") != "" {
		t.Errorf("%s", v)
	}
	b.form("/x", url.Values{}).upstream()
	// Letting somebody pass who asks to sign in would send a script round for
	// ever.
	if v := b.open("/_wechat/login?return_to=/y"); v.last().status != http.StatusForbidden || len(v.scopes()) != 0 {
		t.Errorf("login outside: %s", v)
	}
	b.ua = weChatUA
	if v := b.open("/x"); v.last().upstream().Header.Get("X-Wechat-Openid") == "" {
		t.Errorf("in WeChat: %s", v)
	}
	b.ua = desktopUA
	if got := b.open("/x").last().upstream().Header.Get("X-Wechat-Openid"); got == "" {
		t.Error("a session counts outside too")
	}
}

func TestOutsideRefuse(t *testing.T) {
	t.Parallel()
	w := newTown(t, outside(site.OutsideRefuse))
	b := w.browser("alice")
	b.ua = desktopUA
	for _, address := range []string{"/x?y", "/_wechat/login?return_to=%2Fx%3Fy"} {
		for name, headers := range map[string][]string{"Sec-Fetch": {"Sec-Fetch-Mode", "navigate"}, "Accept": nil} {
			h := b.open(address, headers...).last()
			if h.status != http.StatusUnauthorized || h.kind() != "open_in_wechat" || !strings.Contains(h.body, shop+"/x?y<") {
				t.Errorf("%s, %s: %d %q", address, name, h.status, h.kind())
			}
		}
	}
	for name, h := range map[string]hop{
		"script": b.script(http.MethodGet, "/x"), "script, login": b.script(http.MethodGet, "/_wechat/login"), "script, POST": b.script(http.MethodPost, "/x"),
		"XHR":   b.send(http.MethodGet, "/x", "", "X-Requested-With", "XMLHttpRequest"),
		"token": b.send(http.MethodGet, "/x", "", "Authorization", "Bearer wxt_mini.nonsense"),
	} {
		if h.status != http.StatusUnauthorized || h.json().Code != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, h.status, h.body)
		}
	}
	if h := b.form("/x", nil); h.status != http.StatusUnauthorized || h.kind() != "sign_in_expired" {
		t.Errorf("a form: %d %q", h.status, h.kind())
	}
	if w.passed.Load() != 0 {
		t.Error("a stranger reached the upstream")
	}
}

// WeCom looks like WeChat and cannot do its dance.
func TestOutsideIsAlsoWeCom(t *testing.T) {
	t.Parallel()
	w := newTown(t, outside(site.OutsideQR))
	b := w.browser("alice")
	b.ua = weChatUA + " wxwork/4.1.10"
	if h := b.open("/x").last(); h.kind() != "open_in_wechat" {
		t.Errorf("%d %q", h.status, h.kind())
	}
}

// Attack 9: a User-Agent that grants access. Whatever a stranger claims, no
// identity reaches the upstream.
func TestAttack09UserAgentGrantsNothing(t *testing.T) {
	t.Parallel()
	for _, o := range []site.Outside{site.OutsideQR, site.OutsideLogin, site.OutsidePass, site.OutsideRefuse} {
		w := newTown(t, outside(o))
		b := w.browser("alice")
		for _, ua := range []string{
			"", weChatUA, desktopUA, "Caddy-Health/1", "kube-probe/1.30", "GoogleHC/1.0", "ELB-HealthChecker/2.0",
			"mpcrawler", "Baiduspider", "wxwork/1 MicroMessenger/8", "MicroMessenger/8 wechatdevtools/1",
		} {
			b.ua = ua
			for _, h := range []hop{b.send(http.MethodGet, "/x", ""), b.script(http.MethodGet, "/x"), b.script(http.MethodPost, "/x")} {
				if h.header.Get("X-Upstream") == "" {
					continue
				}
				if o != site.OutsidePass || request.DetectBrowser(ua).InWeChat() {
					t.Errorf("%s: %q reached the upstream", o, ua)
				}
				for name := range h.upstream().Header {
					if strings.HasPrefix(name, "X-Wechat") {
						t.Errorf("%s: %q has %s", o, ua, name)
					}
				}
			}
		}
	}
}

// Attack 16: Android's WebView names WeChat in X-Requested-With on page loads.
func TestAndroidWebViewIsNoXHR(t *testing.T) {
	t.Parallel()
	w := newTown(t, outside(site.OutsideQR))
	w.browser("alice").open("/x", "X-Requested-With", "com.tencent.mm").last().upstream()
}

// A dance that goes wrong outside WeChat ends as the site wants it there.
func TestBrokenCallbackOutside(t *testing.T) {
	t.Parallel()
	for o, want := range map[site.Outside]string{
		site.OutsideQR: "open_in_wechat", site.OutsidePass: "", site.OutsideRefuse: "open_in_wechat", site.OutsideLogin: "",
	} {
		w := newTown(t, outside(o))
		callback := w.browser("alice").until("/x")
		b := w.browser("carol") // without the binding cookie
		b.ua = desktopUA
		got := b.open(callback).last()
		if got.kind() != want || want == "" && got.url != shop+"/x" || o == site.OutsideRefuse && got.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %q at %s", o, got.status, got.kind(), got.url)
		}
	}
}
