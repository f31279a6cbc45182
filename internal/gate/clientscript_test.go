package gate_test

import (
	"net/http"
	"strings"
	"testing"
)

// The script is small, the same for every visitor, and kept by browsers until
// it changes. That it is ES5, and what it does, is tested in a browser (test).
func TestClientScript(t *testing.T) {
	t.Parallel()
	w := newTown(t, func(w *town) { w.inside = true })
	b := w.browser("alice")
	b.plant("/", "__Host-wechat-logout", "junk")
	h := b.send(http.MethodGet, "/_wechat/client.js", "", "Origin", "https://app.example.com")
	if h.status != http.StatusOK || len(h.body) > 2<<10 || !strings.Contains(h.body, "wechatGateway") {
		t.Errorf("%d, %d bytes, want 200 and at most 2048:\n%s", h.status, len(h.body), h.body)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/javascript; charset=utf-8", "Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff",
		"Set-Cookie": "", "Access-Control-Allow-Origin": "", "Vary": "",
	} {
		if got := strings.Join(h.header.Values(name), ", "); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	etag := h.header.Get("Etag")
	if len(etag) < 20 || !strings.HasPrefix(etag, `"`) {
		t.Errorf("Etag %s is not strong", etag)
	}
	for _, c := range []struct {
		name, method, ifNoneMatch string
		status, bytes             int
	}{
		{"the same", http.MethodGet, etag, http.StatusNotModified, 0},
		{"among others, made weak by a proxy", http.MethodGet, `"x", W/` + etag, http.StatusNotModified, 0},
		{"another", http.MethodGet, `"x"`, http.StatusOK, len(h.body)},
		{"HEAD", http.MethodHead, "", http.StatusOK, 0},
		{"HEAD of the same", http.MethodHead, etag, http.StatusNotModified, 0},
		{"POST", http.MethodPost, "", http.StatusMethodNotAllowed, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := b.send(c.method, "/_wechat/client.js", "", "If-None-Match", c.ifNoneMatch)
			if got.status != c.status || c.bytes >= 0 && len(got.body) != c.bytes {
				t.Errorf("%d with %d bytes, want %d with %d", got.status, len(got.body), c.status, c.bytes)
			}
			if got.status < 400 && (got.header.Get("Etag") != etag || got.header.Get("Cache-Control") != "public, max-age=3600") {
				t.Errorf("headers %v", got.header)
			}
		})
	}
}
