package cookies

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// counting is a counter of a site.
func counting(t testing.TB, origin string, keys ...string) Counter {
	t.Helper()
	for i := range keys {
		keys[i] = strings.Repeat(keys[i], 2)
	}
	ring, err := session.NewRing(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return Counter{Keys: ring, Origin: origin, Scope: ScopeOf(origin)}
}

// countOf is the value of a cookie that counts.
func countOf(t testing.TB, o Counter, c Cookie, about string, n int) string {
	t.Helper()
	w := httptest.NewRecorder()
	o.Set(w, c, about, n, time.Minute)
	cookie, err := http.ParseSetCookie(w.Header().Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	return cookie.Value
}

// altered is a value with another character at an index.
func altered(value string, at int) string {
	if value[at] == 'A' {
		return value[:at] + "Q" + value[at+1:]
	}
	return value[:at] + "A" + value[at+1:]
}

// Only what this site has counted, for this use and a moment ago, counts.
func TestCount(t *testing.T) {
	t.Parallel()
	const here = "http://a.example.com"
	o, other := counting(t, here, testSecret), counting(t, here, strings.Repeat("B", 26))
	count := func(t *testing.T, n int) string { return countOf(t, o, Landings, "x", n) }
	for name, c := range map[string]struct {
		values []string
		want   int
	}{
		"none":              {nil, 0},
		"ours":              {[]string{count(t, 3)}, 3},
		"ours, 9":           {[]string{count(t, 9)}, 9},
		"ours behind junk":  {[]string{"", "3", "x", "3.", strings.Repeat("9", 300), count(t, 2)}, 2},
		"ours before junk":  {[]string{count(t, 2), "1", "0"}, 2},
		"the smallest":      {[]string{count(t, 3), count(t, 1), count(t, 9)}, 1},
		"of before codes":   {[]string{"3"}, 0},
		"another digit":     {[]string{"3" + count(t, 1)[1:]}, 0},
		"two digits":        {[]string{"3" + count(t, 1)}, 0},
		"cut":               {[]string{count(t, 3)[:55]}, 0},
		"another time":      {[]string{altered(count(t, 3), 12)}, 0},
		"of another site":   {[]string{countOf(t, counting(t, "http://b.example.com", testSecret), Landings, "x", 3)}, 0},
		"of another port":   {[]string{countOf(t, counting(t, here+":8080", testSecret), Landings, "x", 3)}, 0},
		"of another use":    {[]string{countOf(t, o, Prompts, "x", 3)}, 0},
		"of another person": {[]string{countOf(t, o, Landings, "y", 3)}, 0},
		"of another key":    {[]string{countOf(t, other, Landings, "x", 3)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRequest(t, "GET", "/")
			for _, value := range c.values {
				r.Header["Cookie"] = append(r.Header["Cookie"], "wechat-landed="+value, "__Host-wechat-landed="+count(t, 1), "wechat-landed-8080="+count(t, 1))
			}
			if got := o.Read(r, Landings, "x"); got != c.want {
				t.Errorf("counts %d, want %d", got, c.want)
			}
		})
	}
}

// A count is over when its cookie is, also where somebody keeps a copy of it. A
// key that was rotated still reads it.
func TestCountEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const here = "http://a.example.com"
		value := countOf(t, counting(t, here, testSecret), Landings, "", 3)
		rotated := counting(t, here, strings.Repeat("B", 26), testSecret)
		r := newRequest(t, "GET", "/", "Cookie", "wechat-landed="+value)
		for _, c := range []struct {
			after time.Duration
			want  int
		}{{0, 3}, {58 * time.Second, 3}, {3 * time.Second, 0}} {
			if time.Sleep(c.after); rotated.Read(r, Landings, "") != c.want {
				t.Errorf("after %v more: %d, want %d", c.after, rotated.Read(r, Landings, ""), c.want)
			}
		}
	})
}

func FuzzCount(f *testing.F) {
	o := counting(f, "http://a", testSecret)
	for _, value := range []string{"", "3", "3.", "9.AAAA", "3." + strings.Repeat("A", 54), "3." + strings.Repeat("_", 54), "\xff.\x00"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r := newRequest(t, "GET", "/")
		r.Header["Cookie"] = []string{"wechat-landed=" + value + "; wechat-foreign=" + value}
		if n := o.Read(r, Landings, ""); n != 0 {
			t.Fatalf("%q counts %d", value, n)
		}
		if c := ReadUnreadable(r, Scope{}); c.N < 0 || c.N > MaxUnreadable {
			t.Fatalf("%q counts %+v", value, c)
		}
	})
}
