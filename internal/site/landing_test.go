package site

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/cookies"
)

func TestNextLanding(t *testing.T) {
	t.Parallel()
	for count, next := range map[int]int{0: 1, 1: 2, 2: 3, 3: 3, 7: 3, ExcusedMark: 1} {
		if got := nextLanding(count); got != next {
			t.Errorf("after %d: %d, want %d", count, got, next)
		}
	}
}

func TestLandingCookieForm(t *testing.T) {
	t.Parallel()
	g := &Site{Hub: &Hub{Keys: testRing(t, "A")}}
	const code = `[A-Za-z0-9_-]{54}`
	r := &Request{Request: newRequest(t, "GET", "/"), Origin: "https://a", CookieScope: cookies.Scope{Secure: true}, Landings: 1}
	w := httptest.NewRecorder()
	cookies.Landings.Clear(w, r.CookieScope) // what was set before is replaced
	g.CountLanding(w, r)
	got := strings.Join(w.Header()["Set-Cookie"], "\n")
	if want := `^__Host-wechat-landed=2\.` + code + `; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax$`; !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("%s, want %s", got, want)
	}
	cookies.Landings.Clear(w, r.CookieScope)
	if got, want := strings.Join(w.Header()["Set-Cookie"], "\n"), "__Host-wechat-landed=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
