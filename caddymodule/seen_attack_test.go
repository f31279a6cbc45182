package caddymodule

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddy-wechat/gateway/internal/doctor"
)

// Attack: a visitor from the internet sends a proxy's headers, and the doctor
// names an address or a scheme of the visitor's choice. Only peers in private
// networks count.
func TestAttackForgedProxyHeadersAreNotSeen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		peer string
		want doctor.Seen
	}{
		"internet":    {"203.0.113.7:1234", doctor.Seen{}},
		"IPv6":        {"[2001:db8::1]:1234", doctor.Seen{}},
		"no address":  {"@", doctor.Seen{}},
		"a proxy":     {"10.0.0.5:1234", doctor.Seen{Proxy: "10.0.0.5", Site: "http://shop.example.com", Scheme: "https"}},
		"this mapped": {"[::ffff:127.0.0.1]:1", doctor.Seen{Proxy: "127.0.0.1", Site: "http://shop.example.com", Scheme: "https"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "http://shop.example.com/", nil)
			r.RemoteAddr = c.peer
			r.Header.Set("X-Forwarded-For", "198.51.100.1")
			r.Header.Set("X-Forwarded-Proto", "https")
			var s seen
			s.noticeProxy(r, "")
			if got := s.report(); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			s.noticeProxy(r, "https://shop.example.com") // agrees: changes nothing
			if got := s.report(); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}
