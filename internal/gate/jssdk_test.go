package gate_test

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

func TestJSSDK(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	b := w.browser("alice")
	for _, page := range []string{
		shop, shop + "/", shop + "/p?a=1&b=%2F&from=singlemessage", shop + "/p#/route", shop + "?x",
		shop + `/p?path=C:\x&q={a}|b`, shop + "/p.jsp;v=1?a;b", shop + "/p?a=1?b#c\\", // browsers keep all this in location.href
	} {
		h := b.script(http.MethodGet, "/_wechat/jssdk?url="+url.QueryEscape(page))
		var got struct {
			Code                       int
			AppID, NonceStr, Signature string
			Timestamp                  int64
		}
		if err := json.Unmarshal([]byte(h.body), &got); err != nil || h.status != http.StatusOK || got.Code != 200 || got.AppID != shopApp {
			t.Fatalf("%s: %d %s", page, h.status, h.body)
		}
		signed, _, _ := strings.Cut(page, "#")
		if !slices.ContainsFunc(w.weChat.Issued(), func(ticket string) bool {
			sum := sha1.Sum(fmt.Appendf(nil, "jsapi_ticket=%s&noncestr=%s&timestamp=%d&url=%s", ticket, got.NonceStr, got.Timestamp, signed))
			return hex.EncodeToString(sum[:]) == got.Signature
		}) {
			t.Errorf("%s: no ticket gives this signature", page)
		}
	}
	if n := w.weChat.CountCalls("/cgi-bin/ticket/getticket"); n != 1 {
		t.Errorf("fetched the ticket %d times", n)
	}
}

// Of other sites no page is signed: a signature lends the account's name.
func TestJSSDKSignsOwnPagesOnly(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	b := w.browser("alice")
	for _, page := range []string{
		"", "/p", "p", "https://evil.example/", shop + "@evil.example/", shop + ".evil.example/", shop + ":8443/", shop + `\@evil.example/`, shop + `/\p`, shop + `\p?x`,
		"http://shop.example.com/", "HTTPS://shop.example.com/", "//shop.example.com/", " " + shop + "/", shop + "/\r\n", shop + "/a b", shop + "/" + strings.Repeat("a", 3000),
	} {
		h := b.script(http.MethodGet, "/_wechat/jssdk?url="+url.QueryEscape(page))
		if got := h.json(); h.status != http.StatusBadRequest || got.Error != "bad_url" {
			t.Errorf("%q: %d %s", page, h.status, h.body)
		}
	}
	for _, query := range []string{
		"?url=" + shop + "/a?x=1&y=2", "?_=1&url=" + shop + "/a?x=1&y", "?url=" + shop + "/a?&=", "?url=" + shop + "/a?x=1&_=123",
		"?%75rl=" + shop + "/a?x=1&y=2", "?url=" + shop + "/a?url=1&url=2",
	} {
		if got := b.script(http.MethodGet, "/_wechat/jssdk"+query).json(); got.Code != http.StatusBadRequest || got.Error != "bad_url" || !strings.Contains(got.Message, "encodeURIComponent") {
			t.Errorf("%q, an address that is cut: %d %s: %s", query, got.Code, got.Error, got.Message)
		}
	}
	for query, status := range map[string]int{"?url=" + shop + "/a?x=1": 200, "?url=" + url.QueryEscape(shop+"/a?x=1&y=2") + "&_=123": 200, "?_=123&url=" + shop + "/a?x=1&": 200, "": 400, "?url=" + shop + "/&url=" + shop + "/": 400} {
		if h := b.script(http.MethodGet, "/_wechat/jssdk"+query); h.status != status {
			t.Errorf("%q: %d", query, h.status)
		}
	}
	if h := b.script(http.MethodPost, "/_wechat/jssdk?url="+shop); h.status != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", h.status)
	}
	w.hub.JSSDK = func(ctx, string, string) (wechat.JSSDK, error) { return wechat.JSSDK{}, wechat.ErrUnavailable }
	if h := b.script(http.MethodGet, "/_wechat/jssdk?url="+shop); h.status != http.StatusServiceUnavailable || h.header.Get("Retry-After") == "" {
		t.Errorf("WeChat is down: %d", h.status)
	}
	w.hub.JSSDK = nil
	if h := b.script(http.MethodGet, "/_wechat/jssdk?url="+shop); h.status != http.StatusNotFound {
		t.Errorf("not set up: %d", h.status)
	}
}
