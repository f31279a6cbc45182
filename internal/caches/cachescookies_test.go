package caches

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/caddy-wechat/gateway/internal/cookies"
)

// An answer that caches keep loses our cookies, also those of another port.
func TestCachesKeepNoCookieOfOurs(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	w.Header().Set("Cache-Control", "public, max-age=600")
	http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark"})
	for _, c := range []cookies.Cookie{cookies.Landings, cookies.Flow, cookies.Prompts, cookies.PendingLogout, cookies.FormerPendingLogout, cookies.Ticket, cookies.Scan, cookies.Unreadable} {
		c.SetAt(w, cookies.Scope{Secure: true, Port: "8443"}, "/", "x")
	}
	cookies.DrawSecret().Clear(w, cookies.Scope{Secure: true, Port: "8443"})
	cookies.Scope{Port: "8080"}.SessionCookie().Set(w, "x", false, 0)
	KeepFrom(w.Header())
	if got := w.Header()["Set-Cookie"]; !slices.Equal(got, []string{"theme=dark"}) {
		t.Errorf("kept: %q", got)
	}
}
