package gate

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/site"
)

// Whoever passes an optional path without an identity is excused for a minute.
func TestExcusedCookieForm(t *testing.T) {
	t.Parallel()
	g := &Gate{Site: site.Site{Hub: &site.Hub{Keys: testRing(t, "A")}}}
	const code = `[A-Za-z0-9_-]{54}`
	w := httptest.NewRecorder()
	g.passWithout(w, &site.Request{Request: newRequest(t, http.MethodGet, "/"), Origin: "http://a"}, flow.Flow{Target: "/"})
	got := strings.Join(w.Header()["Set-Cookie"], "\n")
	if want := `^wechat-landed=9\.` + code + `; Path=/; Max-Age=60; HttpOnly; SameSite=Lax$`; !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("%s, want %s", got, want)
	}
}
