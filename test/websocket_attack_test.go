package test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/quic-go/quic-go/http3"
)

// echoes opens a WebSocket through Caddy, from a page of this origin ("" is a
// program without pages), and returns what the app's socket answers to a word,
// or the status of the refusal.
func (w *world) echoes(t *testing.T, path, origin string, headers http.Header) (word string, status int) {
	t.Helper()
	sent := http.Header{"User-Agent": {phoneUA}}
	if origin != "" {
		sent.Set("Origin", origin)
	}
	for name, values := range headers {
		sent[name] = values
	}
	dialer := ws.Dialer{Timeout: 30 * time.Second, Header: ws.HandshakeHeaderHTTP(sent)}
	connection, _, _, err := dialer.Dial(t.Context(), "ws://127.0.0.1:"+w.port+path)
	if refusal := ws.StatusError(0); errors.As(err, &refusal) {
		return "", int(refusal)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if err := wsutil.WriteClientText(connection, []byte("你好")); err != nil {
		t.Fatal(err)
	}
	echo, err := wsutil.ReadServerText(connection)
	if err != nil {
		t.Fatal(err)
	}
	return string(echo), http.StatusSwitchingProtocols
}

// Attack: cross-site WebSocket hijacking, with a real WebSocket of a real app
// behind Caddy.
func TestAttackForeignWebSocketThroughCaddy(t *testing.T) {
	w := newWorld(t)
	w.app.answer(longApp)
	w.load(w.caddyfile(options{auth: "cors_origin https://partner.example.com"}))
	v := w.visitor("ming")
	v.signIn(w.site + "/")
	w.app.take()
	cookie := http.Header{"Cookie": {"wechat-" + w.port + "=" + v.cookie(w.site, "wechat")}}
	for _, c := range []struct {
		name, origin string
		headers      http.Header
		status       int
	}{
		{"the site", w.site, cookie, http.StatusSwitchingProtocols},
		{"cors_origin", "https://partner.example.com", cookie, http.StatusSwitchingProtocols},
		{"a program without pages", "", cookie, http.StatusSwitchingProtocols},
		{"another site", "https://evil.example", cookie, http.StatusForbidden},
		{"another port of the host", "http://127.0.0.1:1", cookie, http.StatusForbidden},
		{"a sandboxed frame", "null", cookie, http.StatusForbidden},
		{"a stranger", "https://evil.example", nil, http.StatusUnauthorized},
	} {
		t.Run(c.name, func(t *testing.T) {
			word, status := w.echoes(t, "/socket", c.origin, c.headers)
			if status != c.status || status == http.StatusSwitchingProtocols && word != "你好" {
				t.Errorf("from %q: %d %q, want %d", c.origin, status, word, c.status)
			}
			for _, r := range w.app.take() {
				if status != http.StatusSwitchingProtocols {
					t.Errorf("the app received %s %s", r.method, r.uri)
				} else if r.header.Get("X-Wechat-Openid") != w.wechat.OpenID("ming", appID) || r.header.Get("Cookie") != "" {
					t.Errorf("the app's socket was told %v", r.header)
				}
			}
		})
	}
	if n := strings.Count(w.log(), "asked for a WebSocket with a visitor's session"); n != 1 {
		t.Errorf("%d lines in the log, want 1 a minute", n)
	}
}

// Attack: the same by the CONNECT of HTTP/3, which Caddy turns into an Upgrade.
func TestAttackForeignWebSocketOverHTTP3(t *testing.T) {
	w := newWorld(t)
	w.app.answer(longApp)
	site := w.secureSite(options{})
	v := w.secureVisitor("ming")
	v.signIn(site + "/")
	w.app.take()
	transport := &http3.Transport{TLSClientConfig: http3.ConfigureTLSConfig(w.trust())}
	t.Cleanup(func() { _ = transport.Close() })
	for origin, want := range map[string]int{site: http.StatusOK, "https://evil.example": http.StatusForbidden} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		body, send := io.Pipe()
		r, err := http.NewRequestWithContext(ctx, http.MethodConnect, site+"/socket", body)
		if err != nil {
			t.Fatal(err)
		}
		r.Proto = "websocket"
		r.Header = http.Header{"Origin": {origin}, "Sec-Websocket-Version": {"13"}, "Cookie": {"__Host-wechat-" + w.port + "=" + v.cookie(site, "__Host-wechat")}}
		response, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatalf("from %s: %v", origin, err)
		}
		if response.StatusCode != want {
			t.Errorf("from %s: %s, want %d", origin, response.Status, want)
		}
		if received := w.app.take(); (len(received) == 1) != (want == http.StatusOK) {
			t.Errorf("from %s: the app received %d requests", origin, len(received))
		}
		_ = send.Close()
		_ = response.Body.Close()
		cancel()
	}
}

// Attack: the same through nginx, Caddy and Traefik in front, which ask the
// gateway about a handshake without its Upgrade.
func TestAttackForeignWebSocketThroughOtherProxies(t *testing.T) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			w := newWorld(t)
			site := f.guards(w, options{})
			v := w.visitor("ming")
			v.signIn(site + "/")
			w.app.take()
			for origin, passes := range map[string]bool{site: true, "": true, "https://evil.example": false, "null": false} {
				h := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="}, "Sec-Websocket-Version": {"13"}, "Accept": nil}
				if origin != "" {
					h["Origin"] = []string{origin}
				}
				a := v.send(http.MethodGet, site+"/socket", "", h)
				if received := w.app.take(); passes != (len(received) == 1) || passes != (a.StatusCode != http.StatusForbidden) {
					t.Errorf("from %q: %s, the app received %d requests", origin, a.Status, len(received))
				}
			}
		})
	}
}
