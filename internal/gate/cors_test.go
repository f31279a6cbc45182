package gate_test

import (
	"net/http"
	"testing"

	"github.com/caddy-wechat/gateway/internal/site"
)

// Pages of the named origins may use tokens; no others, and nobody cookies.
func TestCORS(t *testing.T) {
	t.Parallel()
	const app = "https://app.example.com"
	w := newTown(t, doors, rules(func(r *site.Rules) { r.CORSOrigins = []string{app, "http://localhost:5173"} }))
	c := w.mini("alice")
	for path, ours := range map[string]bool{
		"/_wechat/session": true, "/_wechat/logout": true, miniLogin: true, miniProfile: true, miniPhone: true, ticketPath: true, mobileLogin: true,
		"/_wechat/login": false, "/_wechat/decline": false, "/_wechat/jssdk": false, "/_wechat/callback/x": false, "/_wechat/mini-program/other/login": false, "/page": false,
	} {
		for origin, named := range map[string]bool{
			app: true, "http://localhost:5173": true, "https://APP.example.com": false, app + ".evil.example": false, app + "/": false,
			"https://evil.example": false, "null": false, "http://app.example.com": false, "https://app.example.com:443": false, "*": false,
		} {
			got := c.ask(http.MethodOptions, path, nil, "Authorization", "", "Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type")
			h := got.header
			switch {
			case ours && named:
				if got.status != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != origin || h.Get("Access-Control-Allow-Headers") != "Authorization, Content-Type" || h.Get("Access-Control-Allow-Methods") != "GET, POST" {
					t.Errorf("%s from %s: %d %v", path, origin, got.status, h)
				}
			case h.Get("Access-Control-Allow-Origin")+h.Get("Access-Control-Allow-Headers") != "" || got.status == http.StatusNoContent:
				t.Errorf("%s from %s: %d %v", path, origin, got.status, h)
			}
			if h.Get("Access-Control-Allow-Credentials") != "" || ours && h.Get("Vary") != "Origin" {
				t.Errorf("%s from %s: %v", path, origin, h)
			}
		}
	}
	got := c.ask(http.MethodGet, "/_wechat/session", nil, "Origin", app, "Sec-Fetch-Site", "cross-site")
	if got.status != http.StatusOK || got.header.Get("Access-Control-Allow-Origin") != app || got.header.Get("Vary") != "Origin" {
		t.Errorf("session: %d %v", got.status, got.header)
	}
	bad := c.ask(http.MethodPost, miniLogin, code{"garbage-0123456789"}, "Origin", app)
	if bad.status != http.StatusBadRequest || bad.header.Get("Access-Control-Allow-Origin") != app || bad.header.Get("Access-Control-Expose-Headers") != "Retry-After" {
		t.Errorf("an error that the page cannot read: %d %v", bad.status, bad.header)
	}
	if got := c.ask(http.MethodPost, "/_wechat/logout", nil, "Origin", "https://evil.example"); got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("another origin: %v", got.header)
	}
}

// A preflight of the app's own paths reaches the app, as a stranger's: it
// carries no token. What we answer there ourselves can be read by the page.
func TestCORSOfTheApp(t *testing.T) {
	t.Parallel()
	const app = "https://app.example.com"
	w := newTown(t, doors, rules(func(r *site.Rules) { r.CORSOrigins = []string{app} }))
	c := w.mini("alice")
	preflight := []string{"Origin", app, "Access-Control-Request-Method", "PUT"}
	got := c.ask(http.MethodOptions, "/orders", nil, append(preflight, "Authorization", "", "X-Wechat-Openid", "evil")...)
	if h := got.upstream(); h.Header.Get("X-Wechat-Openid") != "" || h.Header.Get("Authorization") != "" || h.Method != http.MethodOptions {
		t.Errorf("the app sees %+v", h)
	}
	if values := got.header["Access-Control-Allow-Origin"]; len(values) != 0 {
		t.Errorf("two would answer: %v", values)
	}
	for name, other := range map[string][]string{
		"another origin": {"Origin", "https://evil.example", "Access-Control-Request-Method", "PUT"},
		"no method":      {"Origin", app},
		"no preflight":   {"Access-Control-Request-Method", "PUT"},
	} {
		if got := c.ask(http.MethodOptions, "/orders", nil, append(other, "Authorization", "")...); got.status != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	if got := c.ask(http.MethodGet, "/orders", nil, preflight...); got.upstream().Header.Get("X-Wechat-User") == "" || len(got.header["Access-Control-Allow-Origin"]) != 0 {
		t.Errorf("the request itself: %v", got.header)
	}
	c.token = "wxt_mini.nonsense"
	for what, headers := range map[string][]string{"a bad token": nil, "no token": {"Authorization", ""}} {
		got := c.ask(http.MethodGet, "/orders", nil, append([]string{"Origin", app, "Sec-Fetch-Mode", "cors"}, headers...)...)
		if got.status != http.StatusUnauthorized || got.header.Get("Access-Control-Allow-Origin") != app || got.header.Get("Vary") != "Origin" {
			t.Errorf("%s: %d %v", what, got.status, got.header)
		}
	}
}

// A site that names nobody answers as if there were no CORS.
func TestNoCORSByDefault(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	got := w.client("alice").ask(http.MethodOptions, miniLogin, nil, "Origin", shop, "Access-Control-Request-Method", "POST")
	if got.status != http.StatusMethodNotAllowed || len(got.header["Vary"]) != 0 || len(got.header["Access-Control-Allow-Origin"]) != 0 {
		t.Errorf("%d %v", got.status, got.header)
	}
}
