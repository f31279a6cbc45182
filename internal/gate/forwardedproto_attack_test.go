package gate_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/site"
)

// Attack: TLS ends in front, and the option origin is missing. Somebody in the
// network answers http://shop.example.com with a page that posts to the real
// site: its Origin is what the gateway takes for the site's. Nothing is kept.
func TestAttackFormOfAnInsecurePage(t *testing.T) {
	t.Parallel()
	const insecure = "http://shop.example.com"
	for name, row := range map[string]struct {
		origin, says, sends string // configured; X-Forwarded-Proto; Origin of the form
		trusted, kept       bool
	}{
		"TLS in front, http page":                  {says: "https", sends: insecure, trusted: true},
		"TLS in front, https page":                 {says: "https", sends: shop, trusted: true},
		"TLS in front of a strange proxy":          {says: "https", sends: insecure},
		"TLS in front of two proxies":              {says: "HTTPS, http", sends: insecure, trusted: true},
		"http is configured, TLS in front":         {origin: insecure, says: "https", sends: insecure, trusted: true},
		"https is configured, http page":           {origin: shop, says: "https", sends: insecure, trusted: true},
		"https is configured, https page":          {origin: shop, says: "https", sends: shop, trusted: true, kept: true},
		"https is configured, nothing is said":     {origin: shop, sends: shop, kept: true},
		"plain http, nothing in front":             {sends: insecure, kept: true},
		"plain http, behind a proxy of plain http": {says: "http", sends: insecure, trusted: true, kept: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, preserve(site.PreserveOn), func(w *town) { w.gate.Origin, w.plain, w.inside, w.trusts = row.origin, true, true, row.trusted })
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, insecure+"/transfer", strings.NewReader("to=mallory"))
			if err != nil {
				t.Fatal(err)
			}
			r.Header = http.Header{
				"User-Agent": {weChatUA}, "Accept": {acceptAll}, "Content-Type": {"application/x-www-form-urlencoded"}, "Origin": {row.sends},
			}
			if row.says != "" {
				r.Header.Set("X-Forwarded-Proto", row.says)
			}
			res, err := insider{w}.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			if kept := strings.Contains(string(body), "mallory"); res.StatusCode != http.StatusUnauthorized || kept != row.kept {
				t.Errorf("%d, kept: %t, want %t", res.StatusCode, kept, row.kept)
			}
		})
	}
}
