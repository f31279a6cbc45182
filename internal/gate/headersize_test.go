package gate_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// nginxBuffer is what nginx reads the header of an answer into, by default; it
// answers 502 where the header does not fit.
const nginxBuffer = 4096

// headerBytes is the whole header of an answer, as it is on the wire behind
// Caddy.
func headerBytes(h hop) int {
	n := len("HTTP/1.1 303 See Other\r\n\r\n") + len("Server: Caddy\r\nConnection: close\r\nContent-Length: 0\r\n") +
		len("Alt-Svc: h3=\":65535\"; ma=2592000\r\nVia: 1.1 Caddy\r\n")
	for name, values := range h.header {
		for _, value := range values {
			n += len(name) + len(": \r\n") + len(value)
		}
	}
	return n
}

// fitsNginx holds an answer of the gate to what nginx can read.
func fitsNginx(t *testing.T, v ...hop) {
	t.Helper()
	for _, h := range v {
		if n := headerBytes(h); !strings.HasPrefix(h.url, "https://open.weixin.qq.com/") && h.header.Get("X-Upstream") == "" && n >= nginxBuffer {
			t.Errorf("%.80s…: %d with a header of %d bytes, which nginx answers with 502", h.url, h.status, n)
		}
	}
}

// longPage is the address of a page, so many bytes long.
func longPage(n int) string {
	const head = "/orders/list.jsp?ids=1,2&q=%E5%95%86%E5%93%81&x="
	if n <= len(head) {
		return head[:n]
	}
	return head + strings.Repeat("a1-_~", n)[:n-len(head)]
}

// atHost gives the site an origin with a host of n characters.
func atHost(n int) func(*town) {
	return func(w *town) {
		w.gate.Origin = "https://" + strings.Repeat("shop.", n)[:n-len("example.com")] + "example.com"
	}
}

// sharedByLong has a callback origin and the site's both with hosts of n
// characters.
func sharedByLong(n int) func(*town) {
	return func(w *town) {
		atHost(n)(w)
		w.hub.SharedCallback = &site.SharedCallback{
			Origin: "https://" + strings.Repeat("auth.", n)[:n-len("example.com")] + "example.com", Sites: map[string]bool{w.gate.Origin: true},
		}
	}
}

// Every answer of a sign-in fits the buffer of an nginx in front, whatever the
// address. Where hosts are short, an address of 2,048 bytes is kept; no sign-in
// fails.
func TestHeadersFitNginx(t *testing.T) {
	t.Parallel()
	all := []int{1, 500, 1500, 1700, 1800, 1805, 1850, 1900, 1950, 2000, 2047, 2048, 2049, 4000}
	for name, c := range map[string]struct {
		kept    int // how long an address may be that is kept
		changes []func(*town)
	}{
		"silent":           {2048, []func(*town){scope(wechat.ScopeBase)}},
		"consent":          {2048, nil},
		"consent at once":  {2048, []func(*town){rules(func(r *site.Rules) { r.ConsentRedirect = true })}},
		"plain http":       {2048, []func(*town){func(w *town) { w.plain, w.inside = true, true }}},
		"another port":     {2048, []func(*town){func(w *town) { w.gate.Origin = "https://shop.example.com:65443" }}},
		"callback_origin":  {2048, []func(*town){shared}},
		"long host":        {1500, []func(*town){atHost(253)}},
		"long hosts, both": {1500, []func(*town){sharedByLong(253)}},
		"a header of the operator's": {1500, []func(*town){func(w *town) {
			w.front = func(h http.Header) { h.Set("Content-Security-Policy", strings.Repeat("default-src 'self'; ", 25)) }
		}}},
	} {
		for _, n := range all {
			t.Run(fmt.Sprintf("%s, %d", name, n), func(t *testing.T) {
				t.Parallel()
				w := newTown(t, c.changes...)
				b, target := w.browser("alice"), longPage(n)
				v := b.open(target)
				fitsNginx(t, v...)
				if v.last().kind() == "consent" {
					v = b.open(v.last().button())
					fitsNginx(t, v...)
				}
				if consentID.MatchString(v.last().body) {
					v = b.decide(v.last(), "allow")
					fitsNginx(t, v...)
				}
				got, want := v.last().upstream().URI, target
				if n > c.kept && got == "/" {
					want = "/"
				}
				if got != want {
					t.Errorf("the visitor arrives at %.80s (%d bytes), not where they wanted", got, len(got))
				}
			})
		}
	}
}

// What a browser may carry besides: counts, secrets of other tabs, cookies of a
// gateway of before. They make answers longer.
func TestHeadersFitNginxWithAllCookies(t *testing.T) {
	t.Parallel()
	w := newTown(t, rules(func(r *site.Rules) { r.AllowDeclined = true }))
	b, target := w.browser("alice"), longPage(2000)
	full := func() {
		b.plant("/", "__Host-wechat-landed", "1")
		b.plant("/", "__Host-wechat-asked", "1")
		b.plant("/", "__Host-wechat-foreign", "1")
		b.plant("/", "__Host-wechat-leave", strings.Repeat("a", 500))
		b.plant("/_wechat/", "__Secure-wechat-logout", strings.Repeat("a", 500))
		for i := range 4 {
			b.plant("/", fmt.Sprintf("__Host-wechat-browser-abcde%d", i), strings.Repeat(string(rune('A'+i)), 26))
		}
	}
	full()
	b.plant("/", "__Host-wechat", strings.Repeat("b", 300))
	v := b.open(target)
	fitsNginx(t, v...)
	full()
	declined := b.form("/_wechat/decline", url.Values{"return_to": {target}})
	fitsNginx(t, declined)
	full()
	begun := b.open("/_wechat/login?scope=snsapi_userinfo&return_to=" + url.QueryEscape(target))
	fitsNginx(t, begun...)
	done := b.decide(begun.last(), "allow")
	fitsNginx(t, done...)
	if got := done.last().upstream().URI; got != target {
		t.Errorf("arrives at %.80s", got)
	}
	full()
	fitsNginx(t, b.open("/_wechat/login?return_to="+url.QueryEscape(target))...)
	full()
	fitsNginx(t, b.form("/_wechat/logout", nil))
}

// An address whose bytes must be percent-encoded in a Location is longer there.
func TestHeadersFitNginxWhereAnAddressGrows(t *testing.T) {
	t.Parallel()
	for _, n := range []int{300, 640, 1000, 1500, 2000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			w := newTown(t, scope(wechat.ScopeBase))
			b, target := w.browser("alice"), "/x?q="+strings.Repeat("商", n/3)
			v := b.open("/_wechat/login?return_to=" + url.QueryEscape(target))
			fitsNginx(t, v...)
			got := v.last().upstream().URI
			if want := "/x?q=" + strings.Repeat("%E5%95%86", n/3); got != want && (n <= 1000 || got != "/") {
				t.Errorf("arrives at %.60s", got)
			}
		})
	}
}

// The 401 of a check has the address in its header too.
func TestHeadersOfCheckFitNginx(t *testing.T) {
	t.Parallel()
	w := newTown(t, behindProxy)
	b := w.browser("alice")
	for _, c := range []struct {
		uri  string
		kept bool
	}{
		{longPage(2048), true},
		{"/x?q=" + strings.Repeat("%E5%95%86", 220), true},
		{"/x?" + strings.Repeat("&", 2000), false},
	} {
		h := b.script(http.MethodGet, checkPath, "X-Forwarded-Uri", c.uri)
		fitsNginx(t, h)
		at, _ := h.where(t)
		want := shop + "/_wechat/login?return_to=" + url.QueryEscape(c.uri)
		if !c.kept {
			want = shop + "/_wechat/login"
		}
		if at != want {
			t.Errorf("%.40s leads to %.200s", c.uri, at)
		}
	}
}

// Whatever the avatar's address is: where it does not fit, it is left out.
func TestHeadersOfCheckFitNginxWithLongAvatars(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n    int
		kept bool
	}{{100, true}, {1900, true}, {2030, false}} {
		t.Run(fmt.Sprint(c.n), func(t *testing.T) {
			t.Parallel()
			w := newTown(t, behindProxy)
			avatar := "https://" + strings.Repeat("a", c.n-len("https://"))
			if !c.kept {
				avatar = "https://" + strings.Repeat("/", c.n-len("https://")) // three bytes each
			}
			b := w.browser("alice")
			b.consents("/")
			openID := w.weChat.OpenID("alice", shopApp)
			if _, err := w.ledger.Observe(t.Context(), ledger.Observation{
				AppID: shopApp, OpenID: openID, Consent: true, Profile: &ledger.Profile{Nickname: strings.Repeat("商", 80), AvatarURL: avatar},
			}); err != nil {
				t.Fatal(err)
			}
			w.reload()
			h := b.script(http.MethodGet, checkPath)
			fitsNginx(t, h)
			got := h.header.Get("X-Wechat-Avatar")
			if h.status != http.StatusOK || (got != "") != c.kept || h.header.Get("X-Wechat-Openid") != openID || len(h.header.Get("X-Wechat-Nickname")) != 720 {
				t.Errorf("%d, avatar of %d bytes", h.status, len(got))
			}
		})
	}
}

// A page that reloads itself says where to in its header.
func TestHeadersOfPagesFitNginx(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.store.fail(ledger.ErrUnavailable)
	b := w.browser("alice")
	b.plant("/", "__Host-wechat", strings.Repeat("b", 300))
	for _, target := range []string{"/cart", longPage(2048), "/x?" + strings.Repeat("&", 2040)} {
		h := b.send(http.MethodGet, target, "")
		fitsNginx(t, h)
		if want := "/_wechat/login?return_to=" + url.QueryEscape(target); h.kind() != "unavailable" || h.button() != want {
			t.Errorf("%.40s: %d %q leads to %.80s", target, h.status, h.kind(), h.button())
		}
		if h.header.Get("Retry-After") == "" {
			t.Errorf("%.40s: no Retry-After", target)
		}
	}
}

// Where the callback is another site's, WeChat's code stands in the answer that
// hands the visitor on.
func TestHeadersOfHandingOnFitNginx(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), shared)
	b := w.browser("alice")
	back := strings.TrimPrefix(calledBack(t, b.send(http.MethodGet, longPage(2048), "")), "https://auth.example.com")
	for n, status := range map[int]int{32: http.StatusSeeOther, 512: http.StatusSeeOther, 3000: http.StatusBadRequest} {
		h := b.send(http.MethodGet, back+"?code="+strings.Repeat("0", n)+"&state="+strings.Repeat("f", 64), "")
		fitsNginx(t, h)
		if h.status != status {
			t.Errorf("a code of %d bytes: %d", n, h.status)
		}
	}
}
