package gate

import (
	"net/http"
	"net/http/httptest"
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
		for _, secure := range []bool{false, true} {
			r := request(t, "GET", "/")
			if c.value != "" {
				r.AddCookie(&http.Cookie{Name: landingName(secure), Value: c.value})
				r.AddCookie(&http.Cookie{Name: landingName(!secure), Value: "3"}) // planted from http
			}
			if got := landings(r, secure); got != c.count {
				t.Errorf("%q: %d landings, want %d", c.value, got, c.count)
			}
			if got := nextLanding(r, secure); got != c.next {
				t.Errorf("%q: next is %d, want %d", c.value, got, c.next)
			}
		}
	}
}

func TestLandingCookieForm(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{
		2: "__Host-wechat-landed=2; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax",
		0: "__Host-wechat-landed=0; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
	} {
		w := httptest.NewRecorder()
		setLandings(w, n, true)
		if got := w.Header().Get("Set-Cookie"); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	w := httptest.NewRecorder()
	setLandings(w, excused, false)
	if got, want := w.Header().Get("Set-Cookie"), "wechat-landed=9; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
