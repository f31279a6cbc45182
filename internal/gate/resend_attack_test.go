package gate_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Attack: the page that sends a form is open, another person signs in in
// another tab, and then the first one's form is sent as the second. The page
// asks before it sends, and learns whether the visitor is still the same.
func TestAttackAnotherPersonBeforeTheTap(t *testing.T) {
	t.Parallel()
	signsIn := func(b *browser, person string) {
		b.drop("__Host-wechat")
		b.holds(person)
		b.open("/").last().upstream()
	}
	for name, row := range map[string]struct {
		between func(*browser)
		status  int
		same    bool
	}{
		"nothing":                         {func(*browser) {}, http.StatusOK, true},
		"the same person signs in again":  {func(b *browser) { signsIn(b, "alice") }, http.StatusOK, true},
		"another person signs in":         {func(b *browser) { signsIn(b, "bob") }, http.StatusOK, false},
		"a sign-out":                      {func(b *browser) { b.script(http.MethodPost, "/_wechat/logout") }, http.StatusGone, false},
		"a sign-out, and another sign-in": {func(b *browser) { b.script(http.MethodPost, "/_wechat/logout"); signsIn(b, "bob") }, http.StatusGone, false},
		"the session is gone":             {func(b *browser) { b.drop("__Host-wechat") }, http.StatusUnauthorized, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, scope(wechat.ScopeBase), preserve(site.PreserveOn))
			b := w.browser("alice")
			person := b.open("/").last().upstream().Header.Get("X-Wechat-User")
			b.drop("__Host-wechat")
			kept := b.keeps("/x", url.Values{"a": {"1"}})
			page := b.open(kept.Next).last()
			if h := page; h.task().Visitor == "" || strings.Contains(h.task().Visitor, person) || !strings.Contains(h.header.Get("Content-Security-Policy"), "connect-src 'self';") {
				t.Fatalf("the script is told %+v, %v", h.task(), h.header)
			}
			row.between(b)
			for kind, header := range map[string][]string{
				"Sec-Fetch": nil, "old WebView": {"Sec-Fetch-Mode", "", "Sec-Fetch-Site", "", "Accept", "application/json", "X-Requested-With", "XMLHttpRequest"},
			} {
				var said struct{ Visitor string }
				h := b.script(http.MethodGet, kept.Next, header...)
				if err := json.Unmarshal([]byte(h.body), &said); err != nil || h.status != row.status || (said.Visitor == page.task().Visitor) != row.same {
					t.Errorf("%s: the script reads %d %s, want %d and the same visitor: %t", kind, h.status, h.body, row.status, row.same)
				}
			}
		})
	}
}

// Two forms of one person have different names for that person.
func TestVisitorIsNamedForOneForm(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), preserve(site.PreserveOn))
	b := w.browser("alice")
	first := b.keeps("/x", url.Values{"a": {"1"}})
	second := b.keeps("/x", url.Values{"a": {"1"}})
	if a, c := b.open(first.Next).last().task(), b.open(second.Next).last().task(); a.Visitor == "" || a.Visitor == c.Visitor {
		t.Errorf("%+v and %+v", a, c)
	}
}
