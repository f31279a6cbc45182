package gate_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// shared has WeChat send this site's visitors back to another one.
func shared(w *town) {
	w.hub.SharedCallback = &site.SharedCallback{
		Origin: "https://auth.example.com", Sites: map[string]bool{shop: true, "https://other.example.com:8443": true},
	}
}

// calledBack is the address where WeChat is to send the visitor back to.
func calledBack(t *testing.T, h hop) string {
	t.Helper()
	u, err := url.Parse(h.location())
	if err != nil || u.Query().Get("redirect_uri") == "" {
		t.Fatalf("not to WeChat but to %s", h.location())
	}
	return u.Query().Get("redirect_uri")
}

// The address that WeChat is given leads, by way of the shared site, to the one
// that the site would have given itself.
func TestSharedCallbackLeadsHome(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), shared)
	b := w.browser("alice")
	sent := b.send(http.MethodGet, "/page?a=1", "")
	back := calledBack(t, sent)
	path, ok := strings.CutPrefix(back, "https://auth.example.com/_wechat/callback/at/https/shop.example.com/")
	if !ok {
		t.Fatalf("WeChat is to send back to %s", back)
	}
	handed := b.send(http.MethodGet, strings.TrimPrefix(back, "https://auth.example.com")+"?code=C0DE&state=abc", "")
	if handed.status != http.StatusSeeOther || handed.location() != shop+"/_wechat/callback/"+path+"?code=C0DE&state=abc" {
		t.Errorf("handed on: %d %s", handed.status, handed.location())
	}
	if len(handed.header["Set-Cookie"]) != 0 || handed.header.Get("Referrer-Policy") != "no-referrer" || handed.header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", handed.header)
	}
}

// Attack: an address made by hand that would bring somebody's code to a host of
// the attacker's choice.
func TestSharedCallbackGoesToKnownSitesOnly(t *testing.T) {
	t.Parallel()
	w := newTown(t, shared)
	b := w.browser("alice")
	const flow = "ABC234/c2VhbGVk_-"
	for _, path := range []string{
		"https/evil.example.com/" + flow,
		"http/shop.example.com/" + flow, // in the clear
		"https/shop.example.com:444/" + flow,
		"https/shop.example.com@evil.example.com/" + flow,
		"https/evil.example.com%2Fshop.example.com/" + flow,
		"https/shop.example.com%2F..%2F" + flow,
		"https/shop.example.com./" + flow,
		"https/SHOP.example.com/" + flow,
		"https//" + flow,
		"javascript/shop.example.com/" + flow,
		"https/shop.example.com/ABC234/../../../login",
		"https/shop.example.com/ABC234/%2e%2e",
		"https/shop.example.com/ABC234/x/y",
		"https/shop.example.com/ABC234/x%0d%0aX-Y:z",
		"https/shop.example.com/ABC234",
		"https/shop.example.com",
		"https", "",
	} {
		if got := b.send(http.MethodGet, "/_wechat/callback/at/"+path+"?code=C0DE", ""); got.status != http.StatusBadRequest || got.header.Get("Location") != "" {
			t.Errorf("%s: %d %s", path, got.status, got.header.Get("Location"))
		}
	}
	good := "/_wechat/callback/at/https/other.example.com:8443/" + flow
	if got := b.send(http.MethodGet, good, ""); got.location() != "https://other.example.com:8443/_wechat/callback/"+flow {
		t.Errorf("a good one: %d %s", got.status, got.location())
	}
	for _, method := range []string{http.MethodHead, http.MethodPost} {
		if got := b.send(method, good+"?code=C0DE", ""); got.status != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, got.status)
		}
	}
	if got := b.send(http.MethodGet, good+"?code="+strings.Repeat("x", 5000), ""); got.status != http.StatusBadRequest {
		t.Errorf("a long query: %d", got.status)
	}
	w.hub.SharedCallback = nil
	if got := b.send(http.MethodGet, good+"?code=C0DE", ""); got.status != http.StatusBadRequest {
		t.Errorf("not configured: %d", got.status)
	}
}

// A host that is no site of ours, as a Host header made by hand has it, is
// called back at its own address, where WeChat will not send anybody.
func TestSharedCallbackOfAnUnknownHost(t *testing.T) {
	t.Parallel()
	w := newTown(t, shared, func(w *town) { w.hub.SharedCallback.Sites = map[string]bool{"https://other.example.com": true} })
	if back := calledBack(t, w.browser("alice").send(http.MethodGet, "/page", "")); !strings.HasPrefix(back, shop+"/_wechat/callback/") {
		t.Errorf("WeChat is to send back to %s", back)
	}
}
