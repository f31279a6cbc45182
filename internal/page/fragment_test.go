package page

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// small answers a request with the small page.
func small(t *testing.T, f Fragment, method, language string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	w.Header().Set("Etag", "left over")
	r := httptest.NewRequestWithContext(t.Context(), method, "/x", nil)
	r.Header.Set("Accept-Language", language)
	f.Write(w, r)
	return w
}

// The small page loads nothing, is kept nowhere, and goes on with a script and
// without.
func TestFragment(t *testing.T) {
	t.Parallel()
	f := Fragment{Site: "shop.example.com", Next: "/_wechat/login?asked_by=page&scope=snsapi_base&return_to=%2Fx%3Fa%3D1%26b%3D%25E5", Room: 2030}
	for language, words := range map[string]string{"zh-CN": "继续登录", "en": "Continue to sign in"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			w := small(t, f, http.MethodGet, language)
			body, next := w.Body.String(), html.EscapeString(f.Next)
			for _, part := range []string{
				`<noscript><meta http-equiv="refresh" content="0;url=` + next + `"></noscript>`,
				`<a id="next" href="` + next + `" data-room="2030">` + words + "</a>",
				"<title>shop.example.com</title>", `<html lang="` + language + `">`,
			} {
				if !strings.Contains(body, part) {
					t.Errorf("the page has no %s:\n%s", part, body)
				}
			}
			for name, want := range map[string]string{
				"Content-Type": "text/html; charset=utf-8", "Content-Language": language, "Vary": "Accept-Language", "Cache-Control": "no-store",
				"X-Content-Type-Options": "nosniff", "X-Frame-Options": "SAMEORIGIN", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex", "Etag": "",
				"Content-Length": strconv.Itoa(len(body)),
				"Content-Security-Policy": "default-src 'none'; script-src 'sha256-" + digest(t, body, "script") + "'; style-src 'sha256-" + digest(t, body, "style") +
					"'; img-src data:; form-action 'none'; frame-ancestors 'self'; base-uri 'none'",
			} {
				if got := w.Header().Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if head := small(t, f, http.MethodHead, language); head.Body.Len() != 0 || head.Header().Get("Content-Length") != strconv.Itoa(len(body)) {
				t.Errorf("HEAD: %d bytes, Content-Length %s", head.Body.Len(), head.Header().Get("Content-Length"))
			}
		})
	}
}

// digest is the hash of the only element of this name.
func digest(t *testing.T, body, element string) string {
	t.Helper()
	_, rest, _ := strings.Cut(body, "<"+element+">")
	text, _, ok := strings.Cut(rest, "</"+element+">")
	if !ok || strings.Count(body, "<"+element) != 1 {
		t.Fatalf("not one <%s> in:\n%s", element, body)
	}
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Values that come from a hostile request never get onto the page.
func TestAttackFragmentPageWithHostileValues(t *testing.T) {
	t.Parallel()
	for _, next := range []string{"//evil.example/", "https://evil.example/", "javascript:alert(1)", `/_wechat/login"><script>alert(1)</script>`, `/\evil.example`} {
		t.Run(next, func(t *testing.T) {
			t.Parallel()
			body := small(t, Fragment{Site: `<script>alert(1)</script>`, Next: next}, http.MethodGet, "en").Body.String()
			if strings.Contains(body, "evil") || strings.Contains(body, "alert") {
				t.Errorf("the page has %s:\n%s", next, body)
			}
		})
	}
}
