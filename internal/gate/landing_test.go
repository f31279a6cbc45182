package gate

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/flow"
)

func TestNextLanding(t *testing.T) {
	t.Parallel()
	for count, next := range map[int]int{0: 1, 1: 2, 2: 3, 3: 3, 7: 3, excused: 1} {
		if got := nextLanding(count); got != next {
			t.Errorf("after %d: %d, want %d", count, got, next)
		}
	}
}

func TestLandingCookieForm(t *testing.T) {
	t.Parallel()
	g := &Gate{Hub: &Hub{Keys: testRing(t, "A")}}
	const code = `[A-Za-z0-9_-]{54}`
	r := &Request{Request: newRequest(t, "GET", "/"), origin: "https://a", site: cookies.Site{Secure: true}, landed: 1}
	w := httptest.NewRecorder()
	cookies.Landed.Clear(w, r.site) // what was set before is replaced
	g.land(w, r)
	got := strings.Join(w.Header()["Set-Cookie"], "\n")
	if want := `^__Host-wechat-landed=2\.` + code + `; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax$`; !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("%s, want %s", got, want)
	}
	cookies.Landed.Clear(w, r.site)
	if got, want := strings.Join(w.Header()["Set-Cookie"], "\n"), "__Host-wechat-landed=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	w = httptest.NewRecorder()
	g.passWithout(w, &Request{Request: newRequest(t, http.MethodGet, "/"), origin: "http://a"}, flow.Flow{Target: "/"})
	got = strings.Join(w.Header()["Set-Cookie"], "\n")
	if want := `^wechat-landed=9\.` + code + `; Path=/; Max-Age=60; HttpOnly; SameSite=Lax$`; !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("%s, want %s", got, want)
	}
}
