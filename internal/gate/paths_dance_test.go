package gate_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// frontOptional makes the front page optional and the rest silent.
func frontOptional(w *town) {
	w.gate.Rules.Scope = wechat.ScopeBase
	w.access["/"] = site.Optional
}

func TestOptionalPathSignsInSilently(t *testing.T) {
	t.Parallel()
	w := newTown(t, frontOptional)
	b := w.browser("alice")
	v := b.open("/?x=1")
	if got := v.last().upstream(); got.Header.Get("X-Wechat-Openid") != w.weChat.OpenID("alice", shopApp) || got.URI != "/?x=1" {
		t.Errorf("the upstream got %s %v", got.URI, got.Header)
	}
	if got := v.scopes(); !slices.Equal(got, []string{base}) {
		t.Errorf("asked for %v", got)
	}
}

// An optional path never asks for consent, whatever the site wants elsewhere.
func TestOptionalPathNeedsNoConsent(t *testing.T) {
	t.Parallel()
	w := newTown(t, func(w *town) { w.access["/"] = site.Optional })
	b := w.browser("alice")
	if got := b.open("/").last().upstream().Header.Get("X-Wechat-Scope"); got != base {
		t.Errorf("scope %q", got)
	}
	if kind := b.open("/account").last().kind(); kind != "consent" {
		t.Errorf("elsewhere: %q", kind)
	}
}

func TestOptionalPathForEverybodyElse(t *testing.T) {
	t.Parallel()
	w := newTown(t, frontOptional)
	b := w.browser("alice")
	for name, h := range map[string]hop{
		"script": b.script(http.MethodGet, "/"),
		"form":   b.form("/", url.Values{"a": {"b"}}),
	} {
		if h.upstream().Header.Get("X-Wechat-Openid") != "" || len(h.header["Set-Cookie"]) != 0 {
			t.Errorf("%s: %v", name, h.header)
		}
	}
	b.ua = desktopUA
	if v := b.open("/"); len(v) != 1 || v.last().upstream().Header.Get("X-Wechat-Openid") != "" {
		t.Errorf("outside WeChat: %s", v)
	}
}

// When WeChat fails, an optional page is read without identity, and the next
// click does not go to WeChat again within the minute.
func TestOptionalPathPassesWhenWeChatFails(t *testing.T) {
	t.Parallel()
	for name, quirks := range map[string]wechattest.Quirks{
		"502":          {HTTPStatus: wechattest.Number{Value: 502, Endpoint: wechattest.AtToken}},
		"HTML":         {HTMLBody: wechattest.Knob{On: true}},
		"wrong secret": {WrongErrcode: wechattest.Number{Value: 40125, Endpoint: wechattest.AtToken}},
		"code used":    {WrongErrcode: wechattest.Number{Value: 40163, Endpoint: wechattest.AtToken}},
		"too frequent": {TooFrequent: wechattest.Knob{On: true, Endpoint: wechattest.AtToken}},
		"denied":       {WrongErrcode: wechattest.Number{Value: 50002, Endpoint: wechattest.AtToken}},
	} {
		w := newTown(t, frontOptional)
		if err := w.weChat.SetQuirks(quirks); err != nil {
			t.Fatal(err)
		}
		b := w.browser("alice")
		v := b.open("/?x")
		if got := v.last(); got.url != shop+"/?x" || got.upstream().Header.Get("X-Wechat-Openid") != "" {
			t.Errorf("%s: %s", name, v)
		}
		if again := b.open("/"); len(again) != 1 || again.last().header.Get("X-Upstream") == "" {
			t.Errorf("%s: asked again at once: %s", name, again)
		}
		if err := w.weChat.SetQuirks(wechattest.Quirks{}); err != nil {
			t.Fatal(err)
		}
		if got := b.open("/mine").last().upstream().Header.Get("X-Wechat-Openid"); got == "" {
			t.Errorf("%s: a protected path does not ask", name)
		}
	}
}

func TestOptionalPathAsksAgainAfterAMinute(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, frontOptional, func(w *town) { w.inside = true })
		w.weChat.answer(`{"errcode":40163,"errmsg":"code been used"}`)
		b := w.browser("alice")
		if v := b.open("/"); len(v.scopes()) != 1 {
			t.Errorf("%s", v)
		}
		time.Sleep(59 * time.Second)
		if v := b.open("/"); len(v) != 1 {
			t.Errorf("within the minute: %s", v)
		}
		time.Sleep(2 * time.Second)
		w.weChat.answer("")
		if b.open("/").last().upstream().Header.Get("X-Wechat-Openid") == "" {
			t.Error("after the minute: not asked")
		}
	})
}

// A browser that keeps no cookie reads the optional page all the same.
func TestOptionalPathWithoutCookies(t *testing.T) {
	t.Parallel()
	w := newTown(t, frontOptional)
	b := w.browser("alice")
	b.keep = func(name string) bool { return strings.HasSuffix(name, "-landed") }
	b.open("/").last().upstream()
	if again := b.open("/"); len(again) != 1 {
		t.Errorf("asked again at once: %s", again)
	}
}

func TestPublicPath(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), func(w *town) { w.access["/public"] = site.Public })
	b := w.browser("alice")
	if v := b.open("/public"); len(v) != 1 || v.last().upstream().Header.Get("X-Wechat-User") != "" {
		t.Errorf("nobody: %s", v)
	}
	forged := b.send(http.MethodPost, "/public", "body", "X-Wechat-Openid", "oForged", "X_Wechat_Unionid", "oForged", "X-Wechat-Later", "1").upstream()
	for name := range forged.Header {
		if strings.HasPrefix(strings.ReplaceAll(strings.ToLower(name), "_", "-"), "x-wechat") {
			t.Errorf("attack 40: %s survives on a public path", name)
		}
	}
	if forged.Body != "body" {
		t.Errorf("body %q", forged.Body)
	}
	b.open("/mine")
	if got := b.open("/public").last().upstream().Header.Get("X-Wechat-Openid"); got != w.weChat.OpenID("alice", shopApp) {
		t.Errorf("a session that is there is not forwarded: %q", got)
	}
}

// Scripts, images and sockets cannot follow a redirect to WeChat.
func TestScriptsAreNeverRedirected(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	b := w.browser("alice")
	for name, headers := range map[string][]string{
		"fetch":     {"Sec-Fetch-Mode", "cors", "Accept", "*/*"},
		"XHR":       {"X-Requested-With", "XMLHttpRequest"},
		"image":     {"Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image", "Accept", "image/webp,*/*"},
		"img, old":  {"Accept", "image/*"},
		"WebSocket": {"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "x"},
		"curl":      {"Accept", "*/*", "User-Agent", "curl/8"},
		"no Accept": {"Accept", ""},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete, http.MethodOptions} {
			h := b.send(method, "/api/x", "", append(headers, "Referer", shop+"/app?tab=1")...)
			answer := h.json()
			if h.status != http.StatusUnauthorized || h.header.Get("Location") != "" || len(h.header["Set-Cookie"]) != 0 {
				t.Errorf("%s %s: %d %v", method, name, h.status, h.header)
			}
			if answer.Error != "not_signed_in" || answer.RedirectURL != shop+"/_wechat/login?return_to=%2Fapp%3Ftab%3D1" {
				t.Errorf("%s %s: %+v", method, name, answer)
			}
		}
	}
	for referer, want := range map[string]string{
		"": "", shop + "/": "", "https://evil.example/x": "", shop + ".evil.example/x": "", shop + "//evil.example": "", "javascript:alert(1)": "", // attack 30: CVE-2024-21496
		shop + "/_wechat/login": "", shop + "/x#y": "?return_to=%2Fx%23y",
	} {
		if got := b.script(http.MethodGet, "/api", "Referer", referer).json().RedirectURL; got != shop+"/_wechat/login"+want {
			t.Errorf("Referer %q: %s", referer, got)
		}
	}
	if w.passed.Load() != 0 {
		t.Error("something reached the upstream")
	}
}

// A form that was posted after the session ended: a page, nothing silent.
func TestPostedFormWithoutSession(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	b := w.browser("alice")
	for _, headers := range [][]string{nil, {"Sec-Fetch-Mode", "", "Sec-Fetch-Site", "", "X-Requested-With", "com.tencent.mm"}} {
		h := b.form("/order", url.Values{"a": {"b"}}, append(headers, "Referer", shop+"/cart?x")...)
		if h.status != http.StatusUnauthorized || h.kind() != "sign_in_expired" || h.button() != "/_wechat/login?return_to=%2Fcart%3Fx" {
			t.Errorf("%d %q leads to %s", h.status, h.kind(), h.button())
		}
		for language, words := range map[string]string{"zh-CN": "没有提交", "en": "was not sent"} {
			if h := b.form("/order", url.Values{"a": {"b"}}, append(headers, "Accept-Language", language)...); !strings.Contains(h.body, words) {
				t.Errorf("%s: the page does not say that the form %s", language, words)
			}
		}
	}
	if w.passed.Load() != 0 {
		t.Error("the form reached the upstream")
	}
}

// A refusal, or a callback that got lost, on the way to an optional page.
func TestOptionalPathPassesAfterARefusal(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(flow, state string) string{
		"refused":     func(flow, state string) string { return flow + "?state=" + state },
		"wrong state": func(flow, _ string) string { return flow + "?code=x&state=y" },
	} {
		w := newTown(t, frontOptional)
		b := w.browser("alice")
		flow, state := parts(t, b.until("/?x"))
		v := b.open(spoil(flow, state))
		if v.last().url != shop+"/?x" || len(v.scopes()) != 0 || v.last().upstream().Header.Get("X-Wechat-User") != "" {
			t.Errorf("%s: %s", name, v)
		}
	}
}
