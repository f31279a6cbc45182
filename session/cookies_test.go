package session_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/session"
)

// sent is a request with these Cookie lines.
func sent(lines ...string) *http.Request {
	r := &http.Request{Header: http.Header{"Accept": {"*/*"}}}
	if lines != nil {
		r.Header["Cookie"] = lines
	}
	return r
}

func TestJarValues(t *testing.T) {
	t.Parallel()
	most := strings.Repeat("a", session.MaxValue)
	for _, c := range []struct {
		name   string
		lines  []string
		secure bool
		want   []string
	}{
		{"no header", nil, true, nil},
		{"empty header", []string{""}, true, nil},
		{"ours", []string{"__Host-wechat=v"}, true, []string{"v"}},
		{"ours on http", []string{"wechat=v"}, false, []string{"v"}},
		{"bare on https", []string{"wechat=v"}, true, nil},
		{"__Host- on http", []string{"__Host-wechat=v"}, false, nil},
		{"among others", []string{"a=1; __Host-wechat=v; b=2"}, true, []string{"v"}},
		{"no blanks", []string{"a=1;__Host-wechat=v;b=2"}, true, []string{"v"}},
		{"many blanks", []string{" a=1 ; \t __Host-wechat \t=  v\t;"}, true, []string{"v"}},
		{"order kept", []string{"wechat=1; wechat=2", "wechat=3"}, false, []string{"1", "2", "3"}},
		{"32 at most", []string{strings.Repeat("wechat=1; ", 30) + "wechat=2", "wechat=3; wechat=4"}, false, append(slices.Repeat([]string{"1"}, 30), "2", "3")},
		{"junk does not count", []string{"wechat=; wechat=!; wechat; wechat= ; wechat=\"q\"; wechat=a b; wechat=v"}, false, []string{"v"}},
		{"longest", []string{"wechat=" + most}, false, []string{most}},
		{"too long", []string{"wechat=" + most + "a; wechat=v"}, false, []string{"v"}},
		{"value with =", []string{"wechat=a=b"}, false, nil},
		{"other names", []string{"wechat2=a; Wechat=b; WECHAT=c; xwechat=d; wechat_1of2=e; __Host-=f; =g"}, false, nil},
		{"not text", []string{"\x00\xff;=;;;==; wechat=\x00; wechat=\xff"}, false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (session.SessionCookie{}).Values(sent(c.lines...), c.secure); !slices.Equal(got, c.want) {
				t.Errorf("%.80q: got %q, want %q", c.lines, got, c.want)
			}
		})
	}
	const neighbours = "__Host-wechat=a; __Host-wechat-8443=b; __Host-wechat-84430=c; __Host-wechat-=d; __Host-wechat8443=e; wechat-8443=f"
	for port, want := range map[string]string{"": "a", "8443": "b", "84430": "c"} {
		t.Run("port "+port, func(t *testing.T) {
			if got := (session.SessionCookie{Port: port}).Values(sent(neighbours), true); !slices.Equal(got, []string{want}) {
				t.Errorf("%q: got %q, want %q", neighbours, got, want)
			}
		})
	}
}

func TestJarStrip(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		lines, want []string
	}{
		{"no header", nil, nil},
		{"empty header", []string{""}, []string{""}},
		{"others only", []string{"a=1;b=2 ;;  c"}, []string{"a=1;b=2 ;;  c"}},
		{"alone", []string{"__Host-wechat=v"}, nil},
		{"first", []string{"__Host-wechat=v; a=1; b=2"}, []string{"a=1; b=2"}},
		{"middle", []string{"a=1; __Host-wechat=v; b=2"}, []string{"a=1; b=2"}},
		{"last", []string{"a=1; b=2; __Host-wechat=v"}, []string{"a=1; b=2"}},
		{"both forms", []string{"wechat=u; a=1; __Host-wechat=v"}, []string{"a=1"}},
		{"any port", []string{"wechat-8080=1; __Host-wechat-8443=2; __Host-wechat-1=3; a=1; wechat-65535=4; __Secure-wechat=5"}, []string{"a=1"}},
		{"no port", []string{"wechat-=1; wechat-123456=2; __Host-wechat-8443x=3; wechat--1=4"}, []string{"wechat-=1; wechat-123456=2; __Host-wechat-8443x=3; wechat--1=4"}},
		{"many", []string{"wechat=1; wechat=2; a=1; wechat=3; wechat=4"}, []string{"a=1"}},
		{"odd blanks", []string{"wechat\r=v; a=1; \f__Host-wechat\v=v"}, []string{"a=1"}},
		{"any value", []string{"wechat; a=1; wechat=; wechat=\"x; wechat=a=b; \t wechat\t =v"}, []string{"a=1"}},
		{"too long to be read", []string{"a=1; wechat=" + strings.Repeat("x", 5000)}, []string{"a=1"}},
		{"extra names", []string{"flow=1; a=1; flow2=2; other=3"}, []string{"a=1; flow2=2"}},
		{"byte for byte", []string{`a="1, 2" ;wechat=v;b=\xff%20=; ; c`}, []string{`a="1, 2" ;b=\xff%20=; ; c`}},
		{"similar names", []string{"wechat2=v; Wechat=v; xwechat=v; a=1"}, []string{"wechat2=v; Wechat=v; xwechat=v; a=1"}},
		{"lines", []string{"a=1", "wechat=v", "b=2; wechat=v"}, []string{"a=1", "b=2"}},
		{"only separators left", []string{" ; wechat=v ;; "}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := sent(c.lines...)
			session.SessionCookie{}.Strip(r, "flow", "other")
			got, there := r.Header["Cookie"]
			if !slices.Equal(got, c.want) || there != (c.want != nil) {
				t.Errorf("%.80q: got %q, want %q", c.lines, got, c.want)
			}
			if got := r.Header.Get("Accept"); got != "*/*" {
				t.Errorf("%.80q: the header Accept became %q", c.lines, got)
			}
		})
	}
}

// A copy of the request that shares the header's lines, as log writers keep
// one, is not changed.
func TestJarStripLeavesCopies(t *testing.T) {
	t.Parallel()
	lines := []string{"a=1; wechat=v", "wechat=v", "b=2"}
	before := slices.Clone(lines)
	session.SessionCookie{}.Strip(sent(lines...))
	if !slices.Equal(lines, before) {
		t.Errorf("the lines were changed to %q", lines)
	}
}

func TestJarAllocations(t *testing.T) {
	r := sent("theme=dark; JSESSIONID=0123456789ABCDEF; lang=zh")
	jar, port := session.SessionCookie{}, session.SessionCookie{Port: "8443"}
	ours := sent("theme=dark; __Host-wechat=0123456789; __Host-wechat-8443=0123456789")
	for _, c := range []struct {
		name string
		run  func()
		want float64
	}{
		{"Strip", func() { jar.Strip(r); jar.Strip(r, "flow"); port.Strip(r) }, 0},
		{"Values of others", func() { jar.Values(r, true); port.Values(r, true) }, 0},
		{"Values", func() { jar.Values(ours, true) }, 1}, // the slice
		{"Values on a port", func() { port.Values(ours, true) }, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := testing.AllocsPerRun(100, c.run); got != c.want {
				t.Errorf("got %v allocations, want %v", got, c.want)
			}
		})
	}
}

var ourName = regexp.MustCompile(`^(__Host-|__Secure-)?wechat(-[0-9]{1,5})?$`)

func FuzzCookies(f *testing.F) {
	for _, line := range []string{
		"", "a=1; __Host-wechat=v; b=2", "wechat=1; wechat=2; wechat=3; wechat=4; wechat=5",
		"wechat_9of1=x", "wechat_1of99999999=x", ";;;=;=;", "wechat=\"a;b\"", "\x00\xff",
	} {
		f.Add(line, "a=1", true)
		f.Add("__Host-wechat-8443=1", line, false)
	}
	f.Fuzz(func(t *testing.T, first, second string, secure bool) {
		var jar session.SessionCookie
		r := sent(first, second)
		values := jar.Values(r, secure)
		if len(values) > 32 {
			t.Fatalf("%d values", len(values))
		}
		for _, v := range values {
			if v == "" || len(v) > session.MaxValue {
				t.Fatalf("a value of %d bytes", len(v))
			}
		}
		jar.Strip(r)
		left := r.Header["Cookie"]
		if len(jar.Values(r, false)) != 0 || len(jar.Values(r, true)) != 0 {
			t.Fatalf("%q still holds our cookie", left)
		}
		// Go's own reader finds none of ours and all of the others.
		want := slices.DeleteFunc(sent(first, second).Cookies(), func(c *http.Cookie) bool {
			return ourName.MatchString(c.Name)
		})
		got := r.Cookies()
		if !slices.EqualFunc(got, want, func(a, b *http.Cookie) bool { return a.Name == b.Name && a.Value == b.Value }) {
			t.Fatalf("of %q and %q is left %q", first, second, left)
		}
	})
}
