package session_test

import (
	"errors"
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
		base, port, plain, secure string
	}{
		{"", "", "wechat", "__Host-wechat"},
		{"wechat", "", "wechat", "__Host-wechat"},
		{"shop-1", "", "shop-1", "__Host-shop-1"},
		{"", "8443", "wechat-8443", "__Host-wechat-8443"},
		{"shop", "65535", "shop-65535", "__Host-shop-65535"},
	} {
		jar := session.Jar{Base: c.base, Port: c.port}
		if jar.Name(false) != c.plain || jar.Name(true) != c.secure {
			t.Errorf("%q, port %q: the names are %q and %q", c.base, c.port, jar.Name(false), jar.Name(true))
		}
		for _, secure := range []bool{false, true} {
			if !jar.Owns(jar.Name(secure)) || !(session.Jar{Base: c.base}).Owns(jar.Name(secure)) {
				t.Errorf("%q, port %q: %q is not owned", c.base, c.port, jar.Name(secure))
			}
		}
		if err := jar.Check(); err != nil {
			t.Errorf("%q: Check gave %v", c.base, err)
		}
	}
	for _, base := range []string{
		"a b", "a;b", "a=b", "a\r\nb", "ä", "__Host-x", "__host-x", "__Secure-x", strings.Repeat("a", 65),
	} {
		if err := (session.Jar{Base: base}).Check(); !errors.Is(err, session.ErrInvalid) {
			t.Errorf("%q: Check gave %v, want ErrInvalid", base, err)
		}
	}
	for _, port := range []string{"123456", "-1", "8 0", "80;", "a", "８０"} {
		if err := (session.Jar{Port: port}).Check(); !errors.Is(err, session.ErrInvalid) {
			t.Errorf("port %q: Check gave %v, want ErrInvalid", port, err)
		}
	}
}

func TestJarSet(t *testing.T) {
	t.Parallel()
	var jar session.Jar
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
			"a port of its own", func(w http.ResponseWriter) { session.Jar{Port: "8443"}.Set(w, "v", true, time.Minute) },
			"__Host-wechat-8443=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure",
		},
		{
			"clear, on a port", func(w http.ResponseWriter) {
				session.Jar{Port: "8080"}.Set(w, "v", false, 0)
				session.Jar{Port: "8080"}.Clear(w, false)
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
		w := httptest.NewRecorder()
		w.Header().Add("Set-Cookie", "wechat2=theirs; Path=/")
		c.set(w)
		want := []string{"wechat2=theirs; Path=/", c.header}
		if got := w.Header().Values("Set-Cookie"); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", c.name, got, want)
		}
	}
}

// What a browser makes of it, by the rules of net/http.
func TestJarSetIsUnderstood(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	value := strings.Repeat("aZ09-_", 40)
	session.Jar{}.Set(w, value, true, time.Hour)
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
		w := httptest.NewRecorder()
		session.Jar{}.Set(w, value, true, time.Hour)
		if len(w.Header()) != 0 {
			t.Errorf("%.20q gave %q", value, w.Header())
		}
	}
}
