package page

import (
	"net/url"
	"strings"
	"testing"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		clean func(string) string
		keep  []string
		drop  []string
	}{
		{
			"site", cleanSite,
			[]string{"", "shop.example.com", "shop.example.com:8443", "[::1]:80", "书店.example", "bücher_1.example", strings.Repeat("a", maxSite)},
			[]string{"a b", "a/b", "a<b", "a\u202eb", "a\u200bb", "a\nb", "\xff", "a@b", strings.Repeat("a", maxSite+1)},
		},
		{
			"reference", cleanReference,
			[]string{"", "7Q2M-k4xv", strings.Repeat("-", maxReference)},
			[]string{"a b", "a_b", "é", "<b>", "a\x00", strings.Repeat("a", maxReference+1)},
		},
		{
			"plain", cleanPlain,
			[]string{"", "Windows · Chrome", "203.0.113.x", "2001:db8:1::x", strings.Repeat("a", maxPlain)},
			[]string{"<b>", "a\nb", "微信", "a\u202eb", "\xff", "a/b", strings.Repeat("a", maxPlain+1)},
		},
		{
			"number", cleanNumber,
			[]string{"", "0", "407", "123456"},
			[]string{"1234567", "-1", "1 2", "４", "1e3", "<"},
		},
		{
			"path", cleanPath,
			[]string{
				"/_wechat/", "/_wechat/login", "/_wechat/login?return_to=%2Fx%3Fa%3Db#top", "/_wechat/login?return_to=https://a.example/../",
				"/_wechat/callback/abc/e30._-~", "/_wechat/..a/.b", ownPrefix + strings.Repeat("a", maxLink-len(ownPrefix)),
			},
			[]string{
				"", "/", "/_wechat", "/_wechatx/", "_wechat/", "/login", "//_wechat/", `/\_wechat/`, "javascript:alert(1)", "https://evil.example/_wechat/",
				"/_wechat/../evil", "/_wechat/%2e%2e/evil", "/_wechat/.%2E/", "/_wechat/a/./b", "/_wechat/..", `/_wechat/..\evil`, "/_wechat/%5c..%5cevil",
				"/_wechat/%2f..%2fevil", "/_wechat/%0d%0a", "/_wechat/%zz", "/_wechat/#%", "/_wechat/a b", "/_wechat/\t", "/_wechat/é", "/_wechat/<", " /_wechat/",
				ownPrefix + strings.Repeat("a", maxLink),
			},
		},
		{
			"address", cleanAddress,
			[]string{"http://a.example", "https://a.example:8443/x?y=%2F&z=1#/w", "https://[::1]/", "HTTPS://A.example/"},
			[]string{
				"", "/x", "//a.example/", "https:///x", "https:a.example", "javascript:alert(1)", "data:text/html,x", "weixin://dl/", "ftp://a.example/",
				"https://shop.example.com@evil.example/", "https://a.example/ x", "https://a.example/\n", `https://a.example\@evil.example/`,
				"https://a.example/" + strings.Repeat("x", maxLink),
			},
		},
	} {
		for _, s := range c.keep {
			if got := c.clean(s); got != s {
				t.Errorf("%s %.60q became %.60q", c.name, s, got)
			}
		}
		for _, s := range c.drop {
			if got := c.clean(s); got != "" {
				t.Errorf("%s %.60q was kept as %.60q", c.name, s, got)
			}
		}
	}
}

// Buttons appear where they have a meaning and a good address, and nowhere
// else.
func TestButtons(t *testing.T) {
	t.Parallel()
	has := map[Kind]bool{
		Consent: true, Snapshot: true, TryAgain: true, Unavailable: true, SignInExpired: true, SignedOut: true, CookiesOff: true,
		ScanDenied: true, ScanExpired: true, OtherPerson: true, Resend: true, NotAllowed: true,
	}
	for _, kind := range kinds {
		all, _ := elements(t, get(t, full(kind), english).Body.Bytes())
		href, there := attr(all, "a", "href")
		if kind == Framed {
			if target, _ := attr(all, "a", "target"); !there || href != "" || target != "_top" {
				t.Errorf("%s leads to %q in %q, want itself in the whole window", kind, href, target)
			}
			continue
		}
		if there != has[kind] || there && href != full(kind).ContinueURL {
			t.Errorf("%s: button %t to %q", kind, there, href)
		}
		forms := map[Kind]string{Consent: full(kind).DeclineURL, ScanConfirm: full(kind).ConfirmURL, OtherPerson: full(kind).ConfirmURL, Follow: full(kind).ConfirmURL, NotAllowed: full(kind).ConfirmURL}
		if action, there := attr(all, "form", "action"); there != (forms[kind] != "" || kind == Resend) || action != forms[kind] {
			t.Errorf("%s: form %t to %q", kind, there, action)
		}
		all, _ = elements(t, get(t, Page{Kind: kind}, english).Body.Bytes())
		for _, name := range []string{"a", "form", "button", "input"} {
			if _, there := attr(all, name, ""); there {
				t.Errorf("%s: a <%s> without an address", kind, name)
			}
		}
	}
	all, _ := elements(t, get(t, full(Consent), english).Body.Bytes())
	if method, _ := attr(all, "form", "method"); method != "post" {
		t.Errorf("the form says %q", method)
	}
}

func FuzzCleanPath(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Add("/_wechat/login?return_to=%2Fx#y")
	base, err := url.Parse("https://shop.example.com/a/b")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := cleanPath(s)
		if got == "" {
			return
		}
		u, err := base.Parse(got)
		if err != nil || got != s {
			t.Fatalf("%q became %q: %v", s, got, err)
		}
		if u.Scheme != "https" || u.Host != base.Host || !strings.HasPrefix(u.Path, ownPrefix) {
			t.Fatalf("%q leads to %s", s, u)
		}
	})
}

func FuzzCleanAddress(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Add("https://shop.example.com/x?y#z")
	f.Fuzz(func(t *testing.T, s string) {
		got := cleanAddress(s)
		if got == "" {
			return
		}
		lower := strings.ToLower(got)
		if got != s || !strings.HasPrefix(lower, "http://") && !strings.HasPrefix(lower, "https://") {
			t.Fatalf("%q became %q", s, got)
		}
	})
}
