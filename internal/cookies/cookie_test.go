package cookies

import (
	"net/http"
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
		for _, s := range []Scope{{}, {Secure: true}, {Port: "8080"}, {Secure: true, Port: "8443"}} {
			name, is := c.Name(s), c.is
			if form.many {
				name = c.named(s, "abc234")
				is = func(name string, s Scope) bool { id, ours := c.idOf(name, s); return ours && id == "abc234" }
			}
			if names[name] || !Ours(name) || !is(name, s) || is(name, Scope{Secure: s.Secure, Port: "1"}) {
				t.Errorf("%q on %+v: known before %t, ours %t", name, s, names[name], Ours(name))
			}
			names[name] = true
		}
	}
	for _, name := range []string{"", "JSESSIONID", "wechat2", "Wechat", "wechat-", "wechat-theme", "wechat-flow-x", "wechat-flow-123456", "xwechat-flow", "wechat-browser", "wechat-browser-abc23", "wechat-browser-abc2345", "wechat-browser-ABC234", "wechat-browser-8443", "__Host-wechat-flows", "wechat_flow"} {
		if Ours(name) {
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
			if got := Scan.Values(r, Scope{Secure: true, Port: "8443"}); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestSiteOf(t *testing.T) {
	t.Parallel()
	for origin, want := range map[string]Scope{
		"https://shop.example.com":      {Secure: true},
		"http://shop.example.com":       {},
		"https://shop.example.com:80":   {Secure: true},
		"http://shop.example.com:443":   {},
		"https://shop.example.com:8443": {Secure: true, Port: "8443"},
		"http://[::1]:8080":             {Port: "8080"},
		"http://[2001:db8::1]":          {},
	} {
		if got := ScopeOf(origin); got != want {
			t.Errorf("%s: %+v, want %+v", origin, got, want)
		}
	}
}

// Stripping, and reading what is not there, costs an app's own cookies nothing.
func TestSideCookieAllocations(t *testing.T) {
	r := newRequest(t, "GET", "/", "Cookie", "theme=dark; JSESSIONID=0123456789ABCDEF; wechat-theme=1")
	for name, f := range map[string]func(){
		"StripCookies": func() { Strip(r) },
		"Values":       func() { Landings.Values(r, Scope{Secure: true, Port: "8443"}) },
		"secrets":      func() { ReadSecrets(r, Scope{Secure: true}) },
		"foreign":      func() { ReadUnreadable(r, Scope{}) },
		"count":        func() { Counter{}.Read(r, Landings, "") },
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
		want := slices.DeleteFunc(r.Cookies(), func(c *http.Cookie) bool { return Ours(c.Name) })
		Strip(r)
		for _, s := range []Scope{{}, {Secure: true}, {Port: "1"}, {Secure: true, Port: "8443"}} {
			for c := range cookieCount {
				if values := c.Values(r, s); len(values) != 0 {
					t.Fatalf("%q still holds %s", r.Header["Cookie"], c.Name(s))
				}
			}
			if secrets := ReadSecrets(r, s); len(secrets) != 0 {
				t.Fatalf("%q still holds %v", r.Header["Cookie"], secrets)
			}
			if values := s.SessionCookie().Values(r, s.Secure); len(values) != 0 {
				t.Fatalf("%q still holds a session", r.Header["Cookie"])
			}
		}
		if got := r.Cookies(); !slices.EqualFunc(got, want, func(a, b *http.Cookie) bool { return a.Name == b.Name && a.Value == b.Value }) {
			t.Fatalf("of %q and %q is left %q", first, second, r.Header["Cookie"])
		}
	})
}
