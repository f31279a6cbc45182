package gate_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// keeps turns keep_fragment on.
func keeps(w *town) { w.gate.Rules.KeepFragment = true }

var smallPage = regexp.MustCompile(`<a id="next" href="([^"]*)" data-room="(\d+)">`)

// next is where the small page goes on to; anything else ends the test.
func (h hop) next() string {
	h.t.Helper()
	m := smallPage.FindStringSubmatch(h.body)
	if h.status != http.StatusOK || m == nil {
		h.t.Fatalf("%s: not the small page but %d %q %s", h.url, h.status, h.kind(), h.header.Get("Location"))
	}
	return html.UnescapeString(m[1])
}

// with is what the script of the small page goes on to.
func (h hop) with(fragment string) string {
	h.t.Helper()
	return h.next() + strings.ReplaceAll(url.QueryEscape(fragment), "+", "%20")
}

// A visitor comes back to the very fragment, at each step of a first visit.
func TestKeepFragment(t *testing.T) {
	t.Parallel()
	w := newTown(t, keeps)
	b := w.browser("alice")
	const target, fragment = "/app/%E5%95%86?x=1&y=%2F&g=%B9%FA", "#/orders?id=7&q=%E5%95%86%25&next=a%2Fb"
	silent := b.open(b.send(http.MethodGet, target, "").with(fragment))
	if back := silent.last(); back.url != w.origin()+target+fragment || fmt.Sprint(silent.scopes()) != "[snsapi_base]" {
		t.Fatalf("the silent step asks for %v and ends at %s", silent.scopes(), back.url)
	}
	consent := b.open(silent.last().with(fragment)).last()
	if consent.kind() != "consent" {
		t.Fatalf("%s: no consent page but %d %q", consent.url, consent.status, consent.kind())
	}
	done := b.decide(b.open(consent.button()).last(), "allow").last()
	if done.url != w.origin()+target+fragment || done.upstream().URI != target {
		t.Errorf("ends at %s, the app gets %s", done.url, done.upstream().URI)
	}
	if again := b.open("/other"); len(again) != 1 {
		t.Errorf("a signed-in visitor gets the small page: %s", again)
	}
}

// Who gets the small page: a navigation that leads to a sign-in, and no other
// request.
func TestKeepFragmentOnlyForNavigations(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		method  string
		ua      string
		headers []string
		outside site.Outside
		off     bool
		small   bool
	}{
		{name: "WeChat", small: true},
		{name: "HEAD", method: http.MethodHead, small: true},
		{name: "old kernel without Sec-Fetch", headers: []string{"Sec-Fetch-Mode", "", "X-Requested-With", "com.tencent.mm"}, small: true},
		{name: "navigation with Sec-Fetch", headers: []string{"Sec-Fetch-Mode", "navigate"}, small: true},
		{name: "desktop, scan", ua: desktopUA, outside: site.OutsideScan, small: true},
		{name: "desktop, qr", ua: desktopUA, small: true},
		{name: "desktop, refuse", ua: desktopUA, outside: site.OutsideRefuse},
		{name: "desktop, pass", ua: desktopUA, outside: site.OutsidePass},
		{name: "fetch", headers: []string{"Accept", "*/*", "Sec-Fetch-Mode", "cors"}},
		{name: "image", headers: []string{"Accept", "image/*", "Sec-Fetch-Dest", "image"}},
		{name: "form", method: http.MethodPost},
		{name: "off", off: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, scope(wechat.ScopeBase), func(w *town) {
				w.inside, w.gate.Rules.KeepFragment, w.gate.Rules.OutsideWeChat = true, !c.off, c.outside
			})
			b := w.browser("alice")
			if c.ua != "" {
				b.ua = c.ua
			}
			if c.method == "" {
				c.method = http.MethodGet
			}
			h := b.send(c.method, "/x", "", c.headers...)
			small := smallPage.MatchString(h.body) || c.method == http.MethodHead && h.status == http.StatusOK && h.header.Get("X-Frame-Options") == "SAMEORIGIN"
			if small != c.small {
				t.Errorf("small page: %t, want %t: %d %q", small, c.small, h.status, h.kind())
			}
			if small && len(h.header["Set-Cookie"]) != 0 {
				t.Errorf("the small page sets cookies: %v", h.header["Set-Cookie"])
			}
		})
	}
}

// What a browser without scripts, and a crawler, gets: the sign-in without the
// fragment.
func TestKeepFragmentWithoutScripts(t *testing.T) {
	t.Parallel()
	w := newTown(t, keeps, scope(wechat.ScopeBase))
	b := w.browser("alice")
	if got := b.open(b.send(http.MethodGet, "/x?a=1&b=%26", "").next()).last(); got.url != shop+"/x?a=1&b=%26" || got.upstream().URI != "/x?a=1&b=%26" {
		t.Errorf("ends at %s", got.url)
	}
}

// An optional path stays optional: a visitor who cannot be signed in gets the
// page all the same.
func TestKeepFragmentOnOptionalPaths(t *testing.T) {
	t.Parallel()
	w := newTown(t, keeps, scope(wechat.ScopeBase), func(w *town) { w.access["/"] = site.Optional })
	b := w.browser("alice")
	w.weChat.answer(`{"errcode":-1,"errmsg":"system error"}`)
	got := b.open(b.send(http.MethodGet, "/", "").with("#/cart")).last()
	if got.url != shop+"/#/cart" || got.upstream().Header.Get("X-Wechat-Openid") != "" {
		t.Errorf("ends at %s with %v", got.url, got.upstream().Header)
	}
	w.weChat.answer("")
	b = w.browser("alice")
	if got := b.open(b.send(http.MethodGet, "/", "").with("#/cart")).last(); got.url != shop+"/#/cart" || got.upstream().Header.Get("X-Wechat-Openid") == "" {
		t.Errorf("ends at %s with %v", got.url, got.upstream().Header)
	}
}

// What the app asks for by X-Wechat-Require keeps the fragment, and WeChat's
// question comes behind our page as ever.
func TestKeepFragmentWhenTheAppAsks(t *testing.T) {
	t.Parallel()
	w := newTown(t, keeps, scope(wechat.ScopeBase))
	b := w.browser("alice")
	b.open(b.send(http.MethodGet, "/", "").next())
	w.upstream = func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Wechat-Scope") != userinfo {
			rw.Header().Set("X-Wechat-Require", userinfo)
			rw.WriteHeader(http.StatusForbidden)
			return
		}
		echo(rw, r)
	}
	consent := b.open(b.send(http.MethodGet, "/vip", "").with("#/card")).last()
	if consent.kind() != "consent" {
		t.Fatalf("no consent page but %d %q", consent.status, consent.kind())
	}
	if done := b.decide(b.open(consent.button()).last(), "allow").last(); done.url != shop+"/vip#/card" {
		t.Errorf("ends at %s", done.url)
	}
}

// On a computer the code is shown for the whole address, and the phone's answer
// leads there.
func TestKeepFragmentOnComputers(t *testing.T) {
	t.Parallel()
	w := newTown(t, keeps, scanning)
	b := w.browser("alice")
	b.ua = desktopUA
	if page := b.open(b.send(http.MethodGet, "/x", "").with("#/y")).last(); page.kind() != "scan" || !strings.Contains(html.UnescapeString(page.body), "return_to=%2Fx%23%2Fy") {
		t.Errorf("%d %q:\n%s", page.status, page.kind(), page.body)
	}
	w.gate.Rules.OutsideWeChat = site.OutsideQR
	if page := b.open(b.send(http.MethodGet, "/x", "").with("#/y")).last(); page.kind() != "open_in_wechat" || !strings.Contains(page.body, shop+"/x#/y<") {
		t.Errorf("%d %q:\n%s", page.status, page.kind(), page.body)
	}
}

// A visitor who has signed in meanwhile, in another tab, goes straight on.
func TestKeepFragmentSignedInMeanwhile(t *testing.T) {
	t.Parallel()
	w := newTown(t, keeps, scope(wechat.ScopeBase))
	b := w.browser("alice")
	next := b.send(http.MethodGet, "/x", "").with("#/y")
	b.open(b.send(http.MethodGet, "/other", "").next())
	if v := b.open(next); len(v) != 2 || v.last().url != shop+"/x#/y" {
		t.Errorf("%s", v)
	}
}

// A fragment that is too long is dropped, never the address before it; a DEBUG
// line has its length.
func TestKeepFragmentTooLong(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 10<<10)
	for _, c := range []struct {
		name, more, want, logged string
		front                    int // bytes of header that stand in each answer
	}{
		{"dropped by the small page", "&fragment_length=10240", "/x?a=1", `"length":10240}`, 0},
		{"sent all the same", "%23" + long, "/x?a=1", `"length":10240}`, 0},
		{"as long as an address may be", "%23" + long[:request.MaxTarget-len("/x?a=1#")], "/x?a=1#" + long[:request.MaxTarget-len("/x?a=1#")], "", 0},
		{"too long for the header of the redirect", "%23" + long[:1500], "/x?a=1", `"length":1500}`, 1500},
		{"a length that is no number", "&fragment_length=-1%0A", "/x?a=1", "", 0},
		{"a length of many digits", "&fragment_length=" + strings.Repeat("9", 40), "/x?a=1", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, keeps, scope(wechat.ScopeBase), func(w *town) { w.inside = true })
			w.front = func(h http.Header) { h.Set("X-Front", strings.Repeat("f", c.front)) }
			b := w.browser("alice")
			if got := b.open(b.send(http.MethodGet, "/x?a=1", "").next() + c.more).last(); got.url != shop+c.want {
				t.Errorf("ends at %.200s, want %.200s", got.url, shop+c.want)
			}
			lines := w.log.lines("too long to be kept")
			if c.logged == "" && len(lines) != 0 || c.logged != "" && (len(lines) != 1 || !strings.Contains(lines[0], c.logged) || !strings.Contains(lines[0], `"level":"DEBUG"`)) {
				t.Errorf("logged %.300q, want %q", lines, c.logged)
			}
		})
	}
}

// Attack: a fragment that leads to another site, or adds a header. The visitor
// stays on this site, at the address in front of the fragment.
func TestAttackFragmentLeadsToAnotherSite(t *testing.T) {
	t.Parallel()
	for _, fragment := range []string{
		"#//evil.example", "#/\\evil.example", "#@evil.example", "#.evil.example", "#:80@evil.example/", "#https://evil.example/", "#javascript:alert(1)",
		"#\\\\evil.example", "#?return_to=//evil.example", "#&return_to=//evil.example", "#/../../evil", "#%2f%2fevil.example", "#%5cevil.example",
		"#%0d%0aLocation:%20https://evil.example", "#%250d%250aSet-Cookie:%20a=b", "#\"><script>alert(1)</script>", "#'+alert(1)+'", "#%00", "##//evil.example", "# //evil.example",
		"#\r\nLocation: https://evil.example/", "#\n//evil.example", "#\x00//evil.example", "#/_wechat/logout", "#中文//evil.example",
	} {
		t.Run(fragment, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, keeps, scope(wechat.ScopeBase), func(w *town) { w.inside = true })
			b := w.browser("alice")
			for _, h := range b.open(b.send(http.MethodGet, "/", "").with(fragment)) {
				u, err := url.Parse(h.url)
				if err != nil || u.Host != "shop.example.com" && u.Host != "open.weixin.qq.com" {
					t.Errorf("the visitor gets to %s (%v)", h.url, err)
				}
				if location := h.header.Get("Location"); strings.ContainsAny(location, "\r\n\x00") || h.header.Get("Set-Cookie") == "a=b" {
					t.Errorf("headers %v", h.header)
				}
				if strings.HasPrefix(u.Path, "/evil") || strings.HasPrefix(u.Path, "/_wechat/logout") {
					t.Errorf("the visitor gets to %s", h.url)
				}
			}
		})
	}
}

// Attack: parameters of the small page, made by hand. They choose where the
// visitor is asked, and let no request in.
func TestAttackParametersOfTheSmallPage(t *testing.T) {
	t.Parallel()
	for _, query := range []string{
		"asked_by=optional&return_to=%2Fx", "asked_by=optional&scope=snsapi_base&return_to=%2Faccount", "asked_by=app&return_to=%2Fx", "asked_by=page&scope=admin&return_to=%2Fx",
		"asked_by=public&return_to=%2Fx", "asked_by=&return_to=%2Fx", "asked_by=optional&asked_by=page&return_to=%2F%2Fevil.example", "asked_by=page&return_to=https%3A%2F%2Fevil.example%2F",
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, keeps, func(w *town) { w.inside = true })
			b := w.browser("alice")
			w.weChat.answer(`{"errcode":-1,"errmsg":"system error"}`)
			for _, h := range b.open("/_wechat/login?" + query) {
				if h.redirects() && strings.Contains(h.header.Get("Location"), "evil") {
					t.Errorf("the visitor is sent to %s", h.header.Get("Location"))
				}
			}
			if w.passed.Load() != 0 {
				t.Error("a stranger reached the app")
			}
		})
	}
}

// Attack: a browser that keeps no cookies, or not the session's, is sent round
// by the small page for ever.
func TestAttackSmallPageHasAnEnd(t *testing.T) {
	t.Parallel()
	for name, keep := range map[string]func(string) bool{
		"no cookies": func(string) bool { return false },
		"no session": func(name string) bool { return name != "__Host-wechat" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, keeps, scope(wechat.ScopeBase), func(w *town) { w.inside = true })
			b := w.browser("alice")
			b.keep = keep
			h := b.send(http.MethodGet, "/x", "")
			for range 10 {
				if !smallPage.MatchString(h.body) {
					break
				}
				h = b.open(h.with("#/y")).last()
			}
			if kind := h.kind(); kind != "cookies_off" && kind != "try_again" {
				t.Errorf("after ten rounds: %d %q at %s", h.status, kind, h.url)
			}
		})
	}
}
