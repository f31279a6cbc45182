package gate_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/site"
)

// handshake asks for a WebSocket as a browser does, from a page of this origin;
// "" is a client that has no pages.
func (b *browser) handshake(path, origin string, headers ...string) hop {
	b.town.t.Helper()
	return b.send(http.MethodGet, path, "", append([]string{
		"Accept", "", "Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==",
		"Origin", origin,
	}, headers...)...)
}

// Attack: a page of another site opens a WebSocket of this one, which brings
// the visitor's data, with the visitor's cookie (cross-site WebSocket
// hijacking).
func TestAttackCrossSiteWebSocket(t *testing.T) {
	t.Parallel()
	const partner = "https://app.example.com"
	w := newTown(t, rules(func(r *site.Rules) { r.CORSOrigins = []string{partner} }))
	w.access["/public"], w.access["/optional"] = site.Public, site.Optional
	b := w.browser("alice")
	b.consents("/")
	for _, c := range []struct {
		name, origin string
		headers      []string
		passes       bool
	}{
		{"a page of the site", shop, nil, true},
		{"the same, with the default port", shop + ":443", nil, true},
		{"a page of cors_origin", partner, nil, true},
		{"a program without pages", "", nil, true},
		{"a browser whose Origin a proxy removes", "", []string{"Sec-Fetch-Site", "same-origin"}, true},
		{"another site", "https://evil.example", nil, false},
		{"a sibling host", "https://blog.example.com", nil, false},
		{"a host below", "https://x.shop.example.com", nil, false},
		{"a host that begins alike", shop + ".evil.example", nil, false},
		{"another port", shop + ":8443", nil, false},
		{"the site on plain http", "http://shop.example.com", nil, false},
		{"a sandboxed frame", "null", nil, false},
		{"a file", "file://", nil, false},
		{"an extension", "chrome-extension://abcdefghijklmnop", nil, false},
		{"a user before the host", "https://shop.example.com@evil.example", nil, false},
		{"two origins", shop + ", https://evil.example", nil, false},
		{"another site whose Origin a proxy removes", "", []string{"Sec-Fetch-Site", "cross-site"}, false},
		{"a sibling whose Origin a proxy removes", "", []string{"Sec-Fetch-Site", "same-site"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, path := range []string{"/socket", "/public", "/optional"} {
				passed := w.passed.Load()
				h := b.handshake(path, c.origin, c.headers...)
				switch {
				case c.passes && (h.status != http.StatusOK || h.upstream().Header.Get("X-Wechat-Openid") != w.weChat.OpenID("alice", shopApp)):
					t.Errorf("%s: %d %s", path, h.status, h.body)
				case !c.passes && (h.status != http.StatusForbidden || h.json().Error != "cross_site" || w.passed.Load() != passed):
					t.Errorf("%s: %d %s, and %d reached the app", path, h.status, h.body, w.passed.Load()-passed)
				}
			}
		})
	}
	if lines := w.log.lines("asked for a WebSocket"); len(lines) != 1 || !strings.Contains(lines[0], `"WARN"`) || !strings.Contains(lines[0], "https://evil.example") || !strings.Contains(lines[0], "cors_origin") {
		t.Errorf("the log has %q, want one WARN that names the origin", lines)
	}
	// Other requests of other sites are the app's matter, as before.
	if h := b.script(http.MethodGet, "/api", "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"); h.status != http.StatusOK {
		t.Errorf("a request that is no handshake: %d", h.status)
	}
}

// Two lines of Origin, of which another server may read either.
func TestAttackTwoOrigins(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	b := w.browser("alice")
	b.consents("/")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, shop+"/socket", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Version": {"13"}, "Origin": {shop, "https://evil.example"}}
	res, err := b.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if _ = res.Body.Close(); res.StatusCode != http.StatusForbidden {
		t.Errorf("two origins: %s", res.Status)
	}
}

// Attack: the same over HTTP/2 and HTTP/3, whose handshakes have no Upgrade.
func TestAttackCrossSiteWebSocketByConnect(t *testing.T) {
	t.Parallel()
	w := newTown(t, func(w *town) { w.inside = true })
	b := w.browser("alice")
	b.consents("/")
	for origin, want := range map[string]int{shop: http.StatusOK, "https://evil.example": http.StatusForbidden} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodConnect, shop+"/socket", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Origin": {origin}, ":protocol": {"websocket"}}
		res, err := b.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if _ = res.Body.Close(); res.StatusCode != want {
			t.Errorf("from %s: %s, want %d", origin, res.Status, want)
		}
	}
}

// A proxy that asks about a handshake drops Upgrade, but not the other headers.
func TestAttackCrossSiteWebSocketBehindAnotherProxy(t *testing.T) {
	t.Parallel()
	w := newTown(t, behindProxy)
	b := w.browser("alice")
	b.consents("/")
	for origin, want := range map[string]int{shop: http.StatusOK, "": http.StatusOK, "https://evil.example": http.StatusForbidden} {
		h := b.send(http.MethodGet, checkPath, "", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "Origin", origin)
		if h.status != want || want == http.StatusForbidden && (h.json().Error != "cross_site" || h.header.Get("X-Wechat-Openid") != "") {
			t.Errorf("from %q: %d %s, want %d", origin, h.status, h.body, want)
		}
	}
}

// A token is not sent by a browser on its own: its handshakes go on, whatever
// their Origin, and so do those of strangers on open paths.
func TestWebSocketsWithoutACookie(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	w.access["/public"] = site.Public
	c := w.mini("alice")
	h := c.ask(http.MethodGet, "/socket", nil, "Upgrade", "websocket", "Connection", "Upgrade", "Sec-WebSocket-Version", "13", "Origin", "https://servicewechat.com")
	if h.status != http.StatusOK {
		t.Errorf("a token: %d %s", h.status, h.body)
	}
	stranger := w.browser("bob")
	if h := stranger.handshake("/public", "https://evil.example"); h.status != http.StatusOK {
		t.Errorf("a stranger on an open path: %d", h.status)
	}
	if h := stranger.handshake("/socket", "https://evil.example"); h.status != http.StatusUnauthorized {
		t.Errorf("a stranger: %d", h.status)
	}
}

// A proxy in front ends TLS and the gateway is not told: pages of the site are
// on https, and their sockets worked before.
func TestWebSocketWhereTLSEndsInFront(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, configured, origin string
		want                     int
	}{
		{"the page is on https", "", shop, http.StatusOK},
		{"the page is on http", "", "http://shop.example.com", http.StatusOK},
		{"another site", "", "https://evil.example", http.StatusForbidden},
		{"another port", "", shop + ":8443", http.StatusForbidden},
		{"the option origin says http", "http://shop.example.com", shop, http.StatusForbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, func(w *town) { w.plain, w.inside, w.gate.Origin = true, true, c.configured })
			b := w.browser("alice")
			b.consents("/")
			if h := b.handshake("/socket", c.origin); h.status != c.want {
				t.Errorf("from %s: %d %s, want %d", c.origin, h.status, h.body, c.want)
			}
		})
	}
}
