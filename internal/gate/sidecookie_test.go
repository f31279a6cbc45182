package gate

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// Every cookie of ours has a form, a name of its own, and is known to all that
// must know ours, on every site.
func TestSideCookies(t *testing.T) {
	t.Parallel()
	names := map[string]bool{"": true, "wechat": true, "wechat-8080": true, "__Host-wechat": true, "__Host-wechat-8443": true}
	for c := range cookieCount {
		form := sideCookies[c]
		if form.base == "" || form.life <= 0 || form.prefix == hostPrefix && form.path != "/" {
			t.Errorf("cookie %d: %+v", c, form)
		}
		for _, s := range []site{{}, {secure: true}, {port: "8080"}, {secure: true, port: "8443"}} {
			name, is := c.Name(s), c.is
			if form.many {
				name = c.named(s, "abc234")
				is = func(name string, s site) bool { id, ours := c.idOf(name, s); return ours && id == "abc234" }
			}
			if names[name] || !ourCookie(name) || !is(name, s) || is(name, site{secure: s.secure, port: "1"}) {
				t.Errorf("%q on %+v: known before %t, ours %t", name, s, names[name], ourCookie(name))
			}
			names[name] = true
		}
	}
	for _, name := range []string{"", "JSESSIONID", "wechat2", "Wechat", "wechat-", "wechat-theme", "wechat-flow-x", "wechat-flow-123456", "xwechat-flow", "wechat-browser", "wechat-browser-abc23", "wechat-browser-abc2345", "wechat-browser-ABC234", "wechat-browser-8443", "__Host-wechat-flows", "wechat_flow"} {
		if ourCookie(name) {
			t.Errorf("%q counts as ours", name)
		}
	}
}

func TestSideCookieValues(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lines []string
		want  []string
	}{
		"none":          {nil, nil},
		"empty":         {[]string{"", ";", "=", "; ;"}, nil},
		"one":           {[]string{"a=1; __Secure-wechat-scan-8443=x.y; b=2"}, []string{"x.y"}},
		"in order":      {[]string{"__Secure-wechat-scan-8443=1;__Secure-wechat-scan-8443=2", " __Secure-wechat-scan-8443 = 3 "}, []string{"1", "2", "3"}},
		"the first few": {[]string{strings.Repeat("__Secure-wechat-scan-8443=x;", 1000)}, slices.Repeat([]string{"x"}, 32)},
		"too long":      {[]string{"__Secure-wechat-scan-8443=" + strings.Repeat("x", maxCookieValue+1) + "; __Secure-wechat-scan-8443=y"}, []string{"y"}},
		"other forms":   {[]string{"wechat-scan-8443=1; __Secure-wechat-scan=2; __Secure-wechat-scan-844=3; __Secure-wechat-scan-84430=4; __Secure-wechat-scan-=5; __Host-wechat-scan-8443=6"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRequest(t, "GET", "/")
			r.Header["Cookie"] = c.lines
			if got := scanCookie.Values(r, site{secure: true, port: "8443"}); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestSiteOf(t *testing.T) {
	t.Parallel()
	for origin, want := range map[string]site{
		"https://shop.example.com":      {secure: true},
		"http://shop.example.com":       {},
		"https://shop.example.com:80":   {secure: true},
		"http://shop.example.com:443":   {},
		"https://shop.example.com:8443": {secure: true, port: "8443"},
		"http://[::1]:8080":             {port: "8080"},
		"http://[2001:db8::1]":          {},
	} {
		if got := siteOf(origin); got != want {
			t.Errorf("%s: %+v, want %+v", origin, got, want)
		}
	}
}

// Stripping, and reading what is not there, costs an app's own cookies nothing.
func TestSideCookieAllocations(t *testing.T) {
	r := newRequest(t, "GET", "/", "Cookie", "theme=dark; JSESSIONID=0123456789ABCDEF; wechat-theme=1")
	q := &Request{Request: r}
	for name, f := range map[string]func(){
		"StripCookies": func() { StripCookies(r) },
		"Values":       func() { landedCookie.Values(r, site{secure: true, port: "8443"}) },
		"secrets":      func() { browserSecrets(r, site{secure: true}) },
		"foreign":      func() { readForeign(r, site{}) },
		"count":        func() { new(Gate).count(q, landedCookie, "") },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func FuzzStripCookies(f *testing.F) {
	for _, line := range []string{"", "a=1; __Host-wechat-8443=v", "wechat-flow-1=x;wechat-scan=y", ";;=;wechat-ticket-99999=;__Secure-wechat-logout", "\x00\xff=\xff", "wechat-browser-abc234=" + testSecret} {
		f.Add(line, "__Secure-wechat-flow-8443=1")
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		r := newRequest(t, "GET", "/")
		r.Header["Cookie"] = []string{first, second}
		want := slices.DeleteFunc(r.Cookies(), func(c *http.Cookie) bool { return ourCookie(c.Name) })
		StripCookies(r)
		for _, s := range []site{{}, {secure: true}, {port: "1"}, {secure: true, port: "8443"}} {
			for c := range cookieCount {
				if values := c.Values(r, s); len(values) != 0 {
					t.Fatalf("%q still holds %s", r.Header["Cookie"], c.Name(s))
				}
			}
			if secrets := browserSecrets(r, s); len(secrets) != 0 {
				t.Fatalf("%q still holds %v", r.Header["Cookie"], secrets)
			}
			if values := s.jar().Values(r, s.secure); len(values) != 0 {
				t.Fatalf("%q still holds a session", r.Header["Cookie"])
			}
		}
		if got := r.Cookies(); !slices.EqualFunc(got, want, func(a, b *http.Cookie) bool { return a.Name == b.Name && a.Value == b.Value }) {
			t.Fatalf("of %q and %q is left %q", first, second, r.Header["Cookie"])
		}
	})
}

// An answer that caches keep loses our cookies, also those of another port.
func TestCachesKeepNoCookieOfOurs(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	w.Header().Set("Cache-Control", "public, max-age=600")
	http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark"})
	for c := range browserCookie {
		c.SetAt(w, site{secure: true, port: "8443"}, "/", "x")
	}
	browserCookie.clearNamed(w, site{secure: true, port: "8443"}, "abc234")
	site{port: "8080"}.jar().Set(w, "x", false, 0)
	KeepFromCaches(w.Header())
	if got := w.Header()["Set-Cookie"]; !slices.Equal(got, []string{"theme=dark"}) {
		t.Errorf("kept: %q", got)
	}
}
