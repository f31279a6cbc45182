package gate_test

import (
	"net/http"
	"strings"
	"testing"
)

// A proxy in front says which scheme visitors use. Where that is not the
// origin's, redirects and cookies are for another site: one line a minute says
// what to write.
func TestForwardedProtoAgainstTheOrigin(t *testing.T) {
	t.Parallel()
	const (
		toHTTPS = "write `origin https://shop.example.com`"
		toHTTP  = "have the proxy redirect http to https"
		proxies = "trusted_proxies"
	)
	for name, c := range map[string]struct {
		origin  string // configured
		plain   bool   // Caddy is asked by plain http
		says    string // X-Forwarded-Proto
		trusted bool
		want    []string // words of the line; none: there is no line
		never   string
	}{
		"TLS ends before us":                  {plain: true, says: "https", trusted: true, want: []string{toHTTPS}, never: proxies},
		"the same, of a strange proxy":        {plain: true, says: "https", want: []string{toHTTPS, proxies}},
		"http is configured, https used":      {origin: "http://shop.example.com", plain: true, says: "https", trusted: true, want: []string{toHTTPS}},
		"https is configured, http used":      {origin: shop, plain: true, says: "http", trusted: true, want: []string{toHTTP}, never: "origin http:"},
		"https to us, http before":            {says: "http", want: []string{toHTTP}},
		"any case, the first of several":      {plain: true, says: " HTTPS , http", trusted: true, want: []string{toHTTPS}},
		"a socket":                            {plain: true, says: "wss", trusted: true, want: []string{toHTTPS}},
		"they agree":                          {origin: shop, plain: true, says: "https", trusted: true},
		"they agree on http":                  {plain: true, says: "http"},
		"a socket that agrees":                {origin: shop, plain: true, says: "wss", trusted: true},
		"nothing is said":                     {plain: true},
		"something else is said (a stranger)": {plain: true, says: "gopher\"} `origin https://evil.example`"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, func(w *town) { w.gate.Origin, w.plain, w.inside, w.trusts = c.origin, c.plain, true, c.trusted })
			site := "https://shop.example.com"
			if c.plain {
				site = "http://shop.example.com"
			}
			for _, path := range []string{"/x", "/_wechat/session", "/x"} {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, site+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				if c.says != "" {
					request.Header.Set("X-Forwarded-Proto", c.says)
				}
				response, err := insider{w}.RoundTrip(request)
				if err != nil {
					t.Fatal(err)
				}
				_ = response.Body.Close()
			}
			lines := w.log.lines(`"level":"WARN"`)
			if len(c.want) == 0 {
				if len(lines) != 0 {
					t.Errorf("the log warns: %s", lines)
				}
				return
			}
			if len(lines) != 1 {
				t.Fatalf("%d warnings: %s", len(lines), lines)
			}
			for _, words := range c.want {
				if !strings.Contains(lines[0], words) {
					t.Errorf("no %q in %s", words, lines[0])
				}
			}
			if c.never != "" && strings.Contains(lines[0], c.never) {
				t.Errorf("%q in %s", c.never, lines[0])
			}
		})
	}
}
