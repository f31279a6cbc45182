package session_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

func TestJarName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		port, plain, secure string
	}{
		{"", "wechat", "__Host-wechat"},
		{"8443", "wechat-8443", "__Host-wechat-8443"},
		{"65535", "wechat-65535", "__Host-wechat-65535"},
	} {
		t.Run("port "+c.port, func(t *testing.T) {
			jar := session.SessionCookie{Port: c.port}
			for secure, want := range map[bool]string{false: c.plain, true: c.secure} {
				if got := jar.Name(secure); got != want {
					t.Errorf("secure %v: got %q, want %q", secure, got, want)
				}
				if !jar.Owns(want) || !(session.SessionCookie{}).Owns(want) {
					t.Errorf("%q is not owned", want)
				}
			}
		})
	}
}

func TestCookieNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, base string
		want       bool
	}{
		{"shop", "shop", true},
		{"__Host-shop", "shop", true},
		{"__Secure-shop", "shop", true},
		{"shop-8443", "shop", true},
		{"__Host-shop-65535", "shop", true},
		{"__Secure-shop-1", "shop", true},
		{"shop-1-8443", "shop-1", true},
		{"", "shop", false},
		{"sho", "shop", false},
		{"shop-", "shop", false},
		{"shop2", "shop", false},
		{"shop-123456", "shop", false},
		{"shop-8443x", "shop", false},
		{"shop-８０", "shop", false},
		{"Shop", "shop", false},
		{"__host-shop", "shop", false},
		{"__Host-__Secure-shop", "shop", false},
		{"xshop", "shop", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := session.CookieNamed(c.name, c.base); got != c.want {
				t.Errorf("CookieNamed(%q, %q): got %v, want %v", c.name, c.base, got, c.want)
			}
		})
	}
}

func TestJarSet(t *testing.T) {
	t.Parallel()
	var jar session.SessionCookie
	for _, c := range []struct {
		name   string
		set    func(http.ResponseWriter)
		header string
	}{
		{
			"https", func(w http.ResponseWriter) { jar.Set(w, "v", true, 7*day) },
			"__Host-wechat=v; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure",
		},
		{
			"http", func(w http.ResponseWriter) { jar.Set(w, "v", false, time.Minute) },
			"wechat=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax",
		},
		{
			"a port of its own", func(w http.ResponseWriter) { session.SessionCookie{Port: "8443"}.Set(w, "v", true, time.Minute) },
			"__Host-wechat-8443=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure",
		},
		{
			"clear, on a port", func(w http.ResponseWriter) {
				session.SessionCookie{Port: "8080"}.Set(w, "v", false, 0)
				session.SessionCookie{Port: "8080"}.Clear(w, false)
			},
			"wechat-8080=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
		},
		{
			"until the browser closes", func(w http.ResponseWriter) { jar.Set(w, "v", true, 0) },
			"__Host-wechat=v; Path=/; HttpOnly; SameSite=Lax; Secure",
		},
		{
			"negative", func(w http.ResponseWriter) { jar.Set(w, "v", false, -time.Hour) },
			"wechat=v; Path=/; HttpOnly; SameSite=Lax",
		},
		{
			"part of a second", func(w http.ResponseWriter) { jar.Set(w, "v", false, 1) },
			"wechat=v; Path=/; Max-Age=1; HttpOnly; SameSite=Lax",
		},
		{
			"for ever", func(w http.ResponseWriter) { jar.Set(w, "v", false, 1<<63-1) },
			"wechat=v; Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax",
		},
		{
			"clear", func(w http.ResponseWriter) { jar.Clear(w, true) },
			"__Host-wechat=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure",
		},
		{
			"clear on http", func(w http.ResponseWriter) { jar.Clear(w, false) },
			"wechat=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
		},
		{
			"the last one counts", func(w http.ResponseWriter) { jar.Set(w, "v", false, 0); jar.Clear(w, false) },
			"wechat=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			w.Header().Add("Set-Cookie", "wechat2=theirs; Path=/")
			c.set(w)
			want := []string{"wechat2=theirs; Path=/", c.header}
			if got := w.Header().Values("Set-Cookie"); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// What a browser makes of it, by the rules of net/http.
func TestJarSetIsUnderstood(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	value := strings.Repeat("aZ09-_", 40)
	session.SessionCookie{}.Set(w, value, true, time.Hour)
	cookies := w.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("got %d cookies", len(cookies))
	}
	c := cookies[0]
	if c.Name != "__Host-wechat" || c.Value != value || c.Path != "/" || c.Domain != "" || c.MaxAge != 3600 ||
		!c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || !c.Expires.IsZero() || len(c.Unparsed) != 0 {
		t.Errorf("got %+v", c)
	}
}

func TestJarSetRefusesOtherText(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"", "a b", "a;b", "a,b", "a\"", "a\r\nSet-Cookie: x=y", "a\x00", "ä", "a=", strings.Repeat("a", session.MaxValue+1),
	} {
		t.Run(fmt.Sprintf("%.20q", value), func(t *testing.T) {
			w := httptest.NewRecorder()
			session.SessionCookie{}.Set(w, value, true, time.Hour)
			if len(w.Header()) != 0 {
				t.Errorf("got %q, want no header", w.Header())
			}
		})
	}
}
