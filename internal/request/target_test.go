package request

import (
	"net/url"
	"strings"
	"testing"
)

func TestCleanTargetKeepsHonestAddresses(t *testing.T) {
	t.Parallel()
	for _, target := range []string{
		"/",
		"/cart",
		"/cart/",
		"/a/b.jsp;jsessionid=0A1B2C?x=1",
		"/p?id=1&id=2&empty=&flag",
		"/p?next=https%3A%2F%2Fother.example%2F%3Fa%3Db",
		"/p?next=//other.example/&back=\\x",
		"/p?a=1&amp;b=2&from=singlemessage&isappinstalled=0",
		"/p?code=APP&state=ITSOWN",
		"/#/route/1",
		"/x?y#/z?q=//w",
		"/商品/列表?名=值",
		"/%E5%95%86%E5%93%81?q=%E5%80%BC",
		"/gbk?q=\xb9\xfa\xc8\xcb",
		"/%B9%FA.html",
		"/sale/50%25",
		"/sale/50%2525?x=%zz",
		"/a%20b+c",
		"/a//b",
		"/_wechatter",
		"/wechat/_wechat",
		"/x/..%2fy",
		"/@evil.example/",
		"/:80/x",
		"/." + "/x",
		"/" + strings.Repeat("a", MaxTarget-1),
	} {
		if got := CleanTarget(target); got != target {
			t.Errorf("CleanTarget(%q) = %q, want it unchanged", target, got)
		}
	}
}

// Attacks 1 (/\evil), 2 (encoded white space), 3 (more of them), 14 (open
// redirect by default), 33 (redirect_url).
func TestAttack01to03And14And33OpenRedirects(t *testing.T) {
	t.Parallel()
	hostile := []string{
		"", "evil.example", "evil.example/", ".evil.example/", "@evil.example/", ":80", "?x", "#x",
		"https://evil.example/", "HTTPS://evil.example", "https:evil.example", "https:/evil.example", "javascript:alert(1)",
		"data:text/html,x", "vbscript:x", "intent://x#Intent;end", "weixin://dl/business",
		"//evil.example", "///evil.example", "////evil.example/..", "//evil.example@shop.example.com/",
		`/\evil.example`, `/\/evil.example`, `\/evil.example`, `\\evil.example`, `/x\..\..\\evil.example`,
		"/\t/evil.example", "/\n/evil.example", "/\r\n/evil.example", "/\x00/evil.example", "/\x0b/evil.example", "/\x7f/evil.example",
		" /x", "\t//evil.example", "/x\r\nSet-Cookie: a=b", "/x?y\r\nLocation: //evil.example", "/x#\x00",
		"/%2f/evil.example", "/%2fevil.example", "/%2Fevil.example", "/%5cevil.example", "/%5C/evil.example", "/%09/evil.example",
		"/%0a/evil.example", "/%0d%0aSet-Cookie:%20a=b", "/%00", "/%7f",
		"/%252fevil.example", "/%255cevil.example", "/%2509/evil.example", "/%25252fevil.example", "/%25255c/evil.example",
		"/%2525252525252fevil.example", "/%25zz%255cevil.example", "/100%/%5cevil.example",
		"/_wechat", "/_wechat/", "/_wechat/login", "/_wechat/login?return_to=/_wechat/login", "/_wechat/callback/a/b?code=x&state=y",
		"/_WeChat/logout", "/%5fwechat/login", "/_wechat%2flogin", "/%255fwechat/login", "/./_wechat/login", "/x/../_wechat/login",
		"/x/%2e%2e/_wechat/login", "/x//..//../_wechat/login", "/_wechat?x", "/_wechat#x",
		"/" + strings.Repeat("a", MaxTarget),
	}
	for _, target := range hostile {
		if got := CleanTarget(target); got != "/" {
			t.Errorf("CleanTarget(%q) = %q, want /", target, got)
		}
		// In return_to the same, decoded by net/url beforehand.
		if got := ReturnTarget(target, shopOrigin); got != "/" {
			t.Errorf("ReturnTarget(%q) = %q, want /", target, got)
		}
	}
}

func TestReturnTarget(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ raw, want string }{
		{"/x#/y", "/x#/y"},
		{shopOrigin, "/"},
		{shopOrigin + "/", "/"},
		{shopOrigin + "/x?y=1#/z", "/x?y=1#/z"},
		{shopOrigin + "//evil.example", "/"},
		{shopOrigin + ".evil.example/x", "/"},
		{shopOrigin + "@evil.example/x", "/"},
		{shopOrigin + ":8443/x", "/"},
		{shopOrigin + `\@evil.example/x`, "/"},
		{shopOrigin + shopOrigin + "/x", "/"},
		{"http://shop.example.com/x", "/"},
		{"https://SHOP.example.com/x", "/"},
		{"https://badshop.example.com/x", "/"}, // attack 4
	} {
		if got := ReturnTarget(c.raw, shopOrigin); got != c.want {
			t.Errorf("ReturnTarget(%q) = %q, want %q", c.raw, got, c.want)
		}
	}
	if got := ReturnTarget("/x", ""); got != "/x" {
		t.Errorf("ReturnTarget without an origin = %q", got)
	}
}

func TestAddressesForHeadersAndPages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ raw, header, shown string }{
		{"https://s/a?b=c&d=%20#e", "https://s/a?b=c&d=%20#e", "https://s/a?b=c&d=%20#e"},
		{"https://s/商?\xb9\xfa", "https://s/%E5%95%86?%B9%FA", "https://s/%E5%95%86?%B9%FA"},
		// As a browser would send it: what it leaves in a query stays.
		{`https://s/a?{"b"|c}\^`, `https://s/a?{%22b%22|c}\^`, "https://s/a?%7B%22b%22%7Cc%7D%5C%5E"},
		{`https://s/a b?c d#e <f>`, `https://s/a%20b?c%20d#e%20%3Cf%3E`, `https://s/a%20b?c%20d#e%20%3Cf%3E`},
		{`https://s/%20"%22`, `https://s/%20%22%22`, `https://s/%20%22%22`},
	} {
		if got := HeaderAddress(c.raw); got != c.header {
			t.Errorf("HeaderAddress(%q) = %q", c.raw, got)
		}
		if got := ShownAddress(c.raw); got != c.shown {
			t.Errorf("ShownAddress(%q) = %q", c.raw, got)
		}
	}
}

// browserHost is the host that a browser goes to when it meets address on a
// page of base, by the URL standard's own rules, which are laxer than
// net/url's.
func browserHost(base *url.URL, address string) string {
	address = strings.TrimFunc(address, func(r rune) bool { return r <= ' ' })
	address = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(address)
	if i := strings.IndexByte(address, ':'); i > 0 && isScheme(address[:i]) {
		scheme, rest := strings.ToLower(address[:i]), address[i+1:]
		if scheme != "http" && scheme != "https" {
			return "scheme " + scheme
		}
		if scheme != base.Scheme || strings.HasPrefix(strings.ReplaceAll(rest, `\`, "/"), "/") {
			return authority(rest)
		}
		address = rest
	}
	if strings.HasPrefix(strings.ReplaceAll(address, `\`, "/"), "//") {
		return authority(address)
	}
	return base.Host
}

func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (i == 0 || !strings.ContainsRune("0123456789+-.", rune(s[i]))) {
			return false
		}
	}
	return true
}

func authority(s string) string {
	s = strings.TrimLeft(s, `/\`)
	if i := strings.IndexAny(s, `/\?#`); i >= 0 {
		s = s[:i]
	}
	return strings.ToLower(s[strings.LastIndexByte(s, '@')+1:])
}

func TestHostReadsLikeABrowser(t *testing.T) {
	t.Parallel()
	base := parseURL(t, shopOrigin+"/a/b")
	for address, want := range map[string]string{
		"/x": base.Host, "x": base.Host, "": base.Host, "https:x": base.Host, "?//e": base.Host, "#//e": base.Host, "/x//e": base.Host,
		"//e": "e", `/\e`: "e", `\\e/x`: "e", "/\t/e": "e", " //e": "e", "///e": "e", "http:e": "e", "https:/e": "e", "https://a@E:1/": "e:1",
		"javascript:x": "scheme javascript",
	} {
		if got := browserHost(base, address); got != want {
			t.Errorf("browserHost(%q) = %q, want %q", address, got, want)
		}
	}
}

// FuzzCleanTarget: whatever comes in, no reader of what comes out leaves the
// site, however many more times it unescapes the path.
func FuzzCleanTarget(f *testing.F) {
	for _, seed := range []string{
		"/", "/x?y#z", "//e", `/\e`, "/%2fe", "/%255ce", "/%09/e", "/50%25", "/100%/%5c", "/商?\xb9", "https://e", "/_wechat/login", "/%25252f%25", "/_wechat/scan/Ab-_9", "/_wechat/scan/wait/x",
	} {
		f.Add(seed)
	}
	base, err := url.Parse(shopOrigin + "/from")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got := CleanTarget(raw)
		if got != raw && got != "/" {
			t.Fatalf("CleanTarget(%q) = %q: neither unchanged nor /", raw, got)
		}
		for _, location := range []string{HeaderAddress(shopOrigin + got), ShownAddress(shopOrigin + got)} {
			if u, err := url.Parse(location); err == nil && (u.Host != base.Host || u.User != nil || u.Scheme != "https") {
				t.Fatalf("net/url reads %q as %q", location, u)
			}
			if host := browserHost(base, location); host != base.Host {
				t.Fatalf("a browser reads %q as host %q", location, host)
			}
			if strings.ContainsFunc(location, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
				t.Fatalf("%q cannot stand in a header", location)
			}
		}
		if u, err := base.Parse(got); err == nil && u.Host != base.Host {
			t.Fatalf("net/url leads from %q to %q", got, u)
		}
		for range 4 {
			if host := browserHost(base, got); host != base.Host {
				t.Fatalf("%q of %q leads a browser to %q", got, raw, host)
			}
			if path, _, _ := strings.Cut(got, "?"); strings.HasPrefix(strings.ToLower(path), Prefix) && !IsOwnPage(raw) {
				t.Fatalf("%q of %q leads into the gate", got, raw)
			}
			cut := len(got)
			if i := strings.IndexAny(got, "?#"); i >= 0 {
				cut = i
			}
			got = UnescapeOnce(got[:cut]) + got[cut:]
			if i := strings.IndexAny(got, "?#"); i >= 0 && i < cut {
				break // the rest was in the path and is a query now: cannot name a host
			}
		}
	})
}
