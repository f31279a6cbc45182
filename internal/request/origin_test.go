package request

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestOriginOfRequest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ host, plain, secure string }{
		{"shop.example.com", "http://shop.example.com", "https://shop.example.com"},
		{"SHOP.Example.com", "http://shop.example.com", "https://shop.example.com"},
		{"shop.example.com:80", "http://shop.example.com", "https://shop.example.com:80"},
		{"shop.example.com:443", "http://shop.example.com:443", "https://shop.example.com"},
		{"shop.example.com:8443", "http://shop.example.com:8443", "https://shop.example.com:8443"},
		{"my_shop-1.local", "http://my_shop-1.local", "https://my_shop-1.local"},
		{"10.0.0.1:8080", "http://10.0.0.1:8080", "https://10.0.0.1:8080"},
		{"[::1]", "http://[::1]", "https://[::1]"},
		{"[2001:DB8::1]:8080", "http://[2001:db8::1]:8080", "https://[2001:db8::1]:8080"},
	} {
		r := &http.Request{Host: c.host, Header: http.Header{}}
		if got, ok := Origin("", r); !ok || got != c.plain {
			t.Errorf("%s: %q %t, want %q", c.host, got, ok, c.plain)
		}
		r.TLS = &tls.ConnectionState{}
		if got, ok := Origin("", r); !ok || got != c.secure {
			t.Errorf("%s over TLS: %q %t, want %q", c.host, got, ok, c.secure)
		}
	}
}

// Attack 34: the host of a redirect comes from the visitor.
func TestAttack34HostileHosts(t *testing.T) {
	t.Parallel()
	for _, host := range []string{
		"", ".", "..", ":80", "shop.example.com:", "shop.example.com:x", "shop.example.com:-1", "shop.example.com:123456", "shop.example.com:8 0",
		"shop.example.com@evil.example", "user@shop.example.com", "shop.example.com/evil", `shop.example.com\evil`, "shop.example.com?x", "shop.example.com#x",
		"shop.example.com evil.example", "shop.example.com\r\nX: y", "shop.example.com\x00", "shop.example.com,evil.example", "a:1:2",
		"shop.exämple.com", "shop%2eexample.com", "[::1", "[::1:80", "[::1]]", "[::1]x", "[::1]:", "::1", "[fe80::1%eth0]", "[fe80::1%25eth0]:80", "[1.2.3.4]", "[]", "[x]",
		"<script>", "'", strings.Repeat("a", 261),
	} {
		if got, ok := Origin("", &http.Request{Host: host}); ok {
			t.Errorf("Host %q gives the origin %q", host, got)
		}
	}
	r := &http.Request{Host: "shop.example.com", Header: http.Header{
		"X-Forwarded-Host": {"evil.example"}, "X-Forwarded-Proto": {"https"}, "Forwarded": {"host=evil.example;proto=https"},
		"X-Original-Host": {"evil.example"}, "X-Host": {"evil.example"},
	}}
	if got, _ := Origin("", r); got != "http://shop.example.com" {
		t.Errorf("a forwarding header decided: %q", got)
	}
	if got, ok := Origin(shopOrigin, &http.Request{Host: "evil.example"}); !ok || got != shopOrigin {
		t.Errorf("the configured origin is %q", got)
	}
}

func TestCanonicalOrigin(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://shop.example.com":      "https://shop.example.com",
		"https://shop.example.com/":     "https://shop.example.com",
		"HTTPS://Shop.Example.com:443/": "https://shop.example.com",
		"http://shop.example.com:80":    "http://shop.example.com",
		"http://localhost:8080":         "http://localhost:8080",
		"https://[::1]:8443":            "https://[::1]:8443",
	} {
		if got, ok := CanonicalOrigin(raw); !ok || got != want {
			t.Errorf("%s: %q %t, want %q", raw, got, ok, want)
		}
	}
	for _, raw := range []string{
		"", "null", "shop.example.com", "//shop.example.com", "https:shop.example.com", "https:///x", "ftp://shop.example.com", "javascript://x",
		"https://shop.example.com/x", "https://shop.example.com//", "https://shop.example.com?x", "https://shop.example.com#x",
		"https://u@shop.example.com", "https://u:p@shop.example.com", "https://shop.example.com:x", "https://", "https://a b", "https://shop.example.com\n",
	} {
		if got, ok := CanonicalOrigin(raw); ok {
			t.Errorf("%q is an origin: %q", raw, got)
		}
	}
}

func FuzzOrigin(f *testing.F) {
	for _, seed := range []string{"shop.example.com:443", "[::1]:80", "[::1:80", "a@b", "a/b", "x:y"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		origin, ok := Origin("", &http.Request{Host: host})
		if !ok {
			return
		}
		u, err := url.Parse(origin + "/x")
		if err != nil || u.Path != "/x" || u.User != nil || "http://"+u.Host != origin {
			t.Fatalf("Host %q gives %q, read as %+v (%v)", host, origin, u, err)
		}
		if again, ok := CanonicalOrigin(origin); !ok || again != origin {
			t.Fatalf("%q is not canonical: %q", origin, again)
		}
	})
}
