package gate

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestLandingCookie(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value       string
		count, next int
	}{
		{"", 0, 1},
		{"1", 1, 2},
		{"2", 2, 3},
		{"3", 3, 3},
		{"9", excused, 1},
		{"0", 0, 1},
		{"7", 7, 3},
		{"12", 0, 1},
		{"-1", 0, 1},
		{"x", 0, 1},
		{"+", 0, 1},
		{"99999999999999999999", 0, 1},
	} {
		for _, s := range []site{{}, {secure: true}, {port: "8080"}, {secure: true, port: "8443"}} {
			r := request(t, "GET", "/")
			if c.value != "" {
				r.AddCookie(&http.Cookie{Name: landedCookie.Name(s), Value: c.value})
				r.AddCookie(&http.Cookie{Name: landedCookie.Name(site{secure: !s.secure, port: s.port}), Value: "3"}) // planted from http
				r.AddCookie(&http.Cookie{Name: landedCookie.Name(site{secure: s.secure, port: "1"}), Value: "3"})     // a neighbour's
			}
			got := landedCookie.Count(r, s)
			if got != c.count {
				t.Errorf("%q on %+v: %d landings, want %d", c.value, s, got, c.count)
			}
			if next := nextLanding(got); next != c.next {
				t.Errorf("%q on %+v: next is %d, want %d", c.value, s, next, c.next)
			}
		}
	}
}

func TestLandingCookieForm(t *testing.T) {
	t.Parallel()
	r := &Request{Request: request(t, "GET", "/"), site: site{secure: true}, landed: 1}
	w := httptest.NewRecorder()
	landedCookie.Clear(w, r.site) // what was set before is replaced
	r.land(w)
	if got, want := strings.Join(w.Header()["Set-Cookie"], "\n"), "__Host-wechat-landed=2; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	landedCookie.Clear(w, r.site)
	if got, want := strings.Join(w.Header()["Set-Cookie"], "\n"), "__Host-wechat-landed=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	w = httptest.NewRecorder()
	landedCookie.Set(w, site{}, "9")
	if got, want := w.Header().Get("Set-Cookie"), "wechat-landed=9; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
