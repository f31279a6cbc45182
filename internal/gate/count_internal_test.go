package gate

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// counting is a gate that can count.
func counting(t testing.TB, keys ...string) *Gate {
	t.Helper()
	for i := range keys {
		keys[i] = strings.Repeat(keys[i], 2)
	}
	ring, err := session.NewRing(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return &Gate{Hub: &Hub{Keys: ring}}
}

// countOf is the value of a cookie that counts.
func countOf(t testing.TB, g *Gate, origin string, c sideCookie, about string, n int) string {
	t.Helper()
	w := httptest.NewRecorder()
	g.setCount(w, &Request{Request: newRequest(t, "GET", "/"), origin: origin, site: siteOf(origin)}, c, about, n, time.Minute)
	cookie, err := http.ParseSetCookie(w.Header().Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	return cookie.Value
}

// Only what this site has counted, for this use and a moment ago, counts.
func TestCount(t *testing.T) {
	t.Parallel()
	const here = "http://a.example.com"
	g, other := counting(t, testSecret), counting(t, strings.Repeat("B", 26))
	count := func(t *testing.T, n int) string { return countOf(t, g, here, landedCookie, "x", n) }
	for name, c := range map[string]struct {
		values []string
		want   int
	}{
		"none":              {nil, 0},
		"ours":              {[]string{count(t, 3)}, 3},
		"ours, excused":     {[]string{count(t, excused)}, excused},
		"ours behind junk":  {[]string{"", "3", "x", "3.", strings.Repeat("9", 300), count(t, 2)}, 2},
		"ours before junk":  {[]string{count(t, 2), "1", "0"}, 2},
		"the smallest":      {[]string{count(t, 3), count(t, 1), count(t, excused)}, 1},
		"of before codes":   {[]string{"3"}, 0},
		"another digit":     {[]string{"3" + count(t, 1)[1:]}, 0},
		"two digits":        {[]string{"3" + count(t, 1)}, 0},
		"cut":               {[]string{count(t, 3)[:55]}, 0},
		"another time":      {[]string{count(t, 3)[:12] + "A" + count(t, 3)[13:]}, 0},
		"of another site":   {[]string{countOf(t, g, "http://b.example.com", landedCookie, "x", 3)}, 0},
		"of another port":   {[]string{countOf(t, g, here+":8080", landedCookie, "x", 3)}, 0},
		"of another use":    {[]string{countOf(t, g, here, askedCookie, "x", 3)}, 0},
		"of another person": {[]string{countOf(t, g, here, landedCookie, "y", 3)}, 0},
		"of another key":    {[]string{countOf(t, other, here, landedCookie, "x", 3)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRequest(t, "GET", "/")
			for _, value := range c.values {
				r.Header["Cookie"] = append(r.Header["Cookie"], "wechat-landed="+value, "__Host-wechat-landed="+count(t, 1), "wechat-landed-8080="+count(t, 1))
			}
			if got := g.count(&Request{Request: r, origin: here}, landedCookie, "x"); got != c.want {
				t.Errorf("counts %d, want %d", got, c.want)
			}
		})
	}
}

// A count is over when its cookie is, also where somebody keeps a copy of it. A key
// that was rotated still reads it.
func TestCountEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const here = "http://a.example.com"
		value := countOf(t, counting(t, testSecret), here, landedCookie, "", 3)
		rotated := counting(t, strings.Repeat("B", 26), testSecret)
		r := &Request{Request: newRequest(t, "GET", "/", "Cookie", "wechat-landed="+value), origin: here}
		for _, c := range []struct {
			after time.Duration
			want  int
		}{{0, 3}, {58 * time.Second, 3}, {3 * time.Second, 0}} {
			if time.Sleep(c.after); rotated.count(r, landedCookie, "") != c.want {
				t.Errorf("after %v more: %d, want %d", c.after, rotated.count(r, landedCookie, ""), c.want)
			}
		}
	})
}

func FuzzCount(f *testing.F) {
	g := counting(f, testSecret)
	for _, value := range []string{"", "3", "3.", "9.AAAA", "3." + strings.Repeat("A", 54), "3." + strings.Repeat("_", 54), "\xff.\x00"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r := newRequest(t, "GET", "/")
		r.Header["Cookie"] = []string{"wechat-landed=" + value + "; wechat-foreign=" + value}
		if n := g.count(&Request{Request: r, origin: "http://a"}, landedCookie, ""); n != 0 {
			t.Fatalf("%q counts %d", value, n)
		}
		if c := readForeign(r, site{}); c.n < 0 || c.n > maxForeign {
			t.Fatalf("%q counts %+v", value, c)
		}
	})
}
