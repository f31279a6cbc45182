package gate_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-wechat/gateway/internal/assertion"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/session"
)

const jwksPath = "/_wechat/jwks.json"

// asserting turns assertions on.
func asserting(w *town) {
	w.hub.Assertions = &assertion.Signer{Ring: w.hub.Keys}
	w.gate.Rules.Assertion = &assertion.Rule{Lifetime: assertion.DefaultLifetime, Algorithm: assertion.ES256}
}

// withoutKeys takes away the keys that sign.
func withoutKeys(w *town) { w.hub.Assertions = &assertion.Signer{Ring: new(session.Ring)} }

// jwks returns the site's list of public keys.
func (b *browser) jwks() (list jose.JSONWebKeySet) {
	b.town.t.Helper()
	h := b.script(http.MethodGet, jwksPath)
	if err := json.Unmarshal([]byte(h.body), &list); err != nil || h.status != http.StatusOK || h.header.Get("Cache-Control") != "no-store" {
		b.town.t.Fatalf("the list: %d %s %v, %v", h.status, h.body, h.header, err)
	}
	return list
}

// asserted returns the claims that the assertions of a request make, which the
// site's own keys must verify. There must be one.
func (b *browser) asserted(h http.Header) map[string]any {
	b.town.t.Helper()
	values := h.Values(site.HeaderAssertion)
	if len(values) != 1 {
		b.town.t.Fatalf("there are %d assertions, want 1: %q", len(values), values)
	}
	signed, err := jose.ParseSigned(values[0], []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		b.town.t.Fatal(err)
	}
	payload, err := signed.Verify(b.jwks())
	if err != nil {
		b.town.t.Fatalf("the list of keys does not verify the assertion: %v", err)
	}
	claims := map[string]any{}
	if err := json.Unmarshal(payload, &claims); err != nil {
		b.town.t.Fatal(err)
	}
	return claims
}

// The assertion says what the plain headers say, signed for the app, wherever
// they go: to the upstream, and to another proxy that checks.
func TestAssertionSaysWhatTheHeadersSay(t *testing.T) {
	t.Parallel()
	w := newTown(t, asserting, behindProxy)
	b := w.browser("alice")
	b.consents("/")
	upstream := b.open("/").last().upstream().Header
	check := b.script(http.MethodGet, checkPath)
	for name, h := range map[string]http.Header{"upstream": upstream, "check": check.header} {
		t.Run(name, func(t *testing.T) {
			claims := b.asserted(h)
			for claim, header := range map[string]string{
				"sub": "X-Wechat-User", "openid": "X-Wechat-Openid", "unionid": "X-Wechat-Unionid", "app_id": "X-Wechat-App-Id", "account": "X-Wechat-Account",
				"scope": "X-Wechat-Scope", "nickname": "X-Wechat-Nickname", "avatar": "X-Wechat-Avatar",
			} {
				want, err := url.QueryUnescape(h.Get(header))
				if err != nil || claims[claim] != want || want == "" {
					t.Errorf("%s: %v, want %q as in %s (%v)", claim, claims[claim], want, header, err)
				}
			}
			if claims["iss"] != shop || claims["aud"] != shop {
				t.Errorf("iss %v, aud %v, want %s", claims["iss"], claims["aud"], shop)
			}
			if iat, exp := claims["iat"].(float64), claims["exp"].(float64); exp-iat != 300 || time.Since(time.Unix(int64(iat), 0)) > time.Hour {
				t.Errorf("iat %v, exp %v", iat, exp)
			}
			if _, is := claims["snapshot"]; is || claims["phone"] != nil {
				t.Errorf("claims %v", claims)
			}
		})
	}
}

// A rule of its own, and headers that are renamed or off: the claims keep their
// names.
func TestAssertionRules(t *testing.T) {
	t.Parallel()
	w := newTown(t, asserting, func(w *town) {
		w.gate.Rules.Assertion = &assertion.Rule{Audience: "crm", Lifetime: time.Hour, Algorithm: assertion.ES256}
		w.gate.Rules.Headers = map[site.Field]string{site.FieldOpenID: "X-Remote-User", site.FieldNickname: site.HeaderOff, site.FieldUser: site.HeaderOff}
	})
	b := w.browser("alice")
	h := b.consents("/").last().upstream().Header
	claims := b.asserted(h)
	if claims["aud"] != "crm" || claims["exp"].(float64)-claims["iat"].(float64) != 3600 {
		t.Errorf("claims %v", claims)
	}
	if claims["openid"] != h.Get("X-Remote-User") || claims["nickname"] != "小明 🐼" || claims["sub"] == nil || h.Get("X-Wechat-Nickname") != "" {
		t.Errorf("claims %v beside the headers %v", claims, h)
	}
}

// A guest has no openid and no person, and is marked.
func TestAssertionOfAGuest(t *testing.T) {
	t.Parallel()
	w := newTown(t, asserting, rules(snapshotGuest))
	w.weChat.answer(virtual)
	b := w.browser("alice")
	claims := b.asserted(b.open("/").last().upstream().Header)
	if claims["snapshot"] != true || claims["sub"] != nil || claims["openid"] != nil || claims["unionid"] != nil || claims["app_id"] != shopApp {
		t.Errorf("claims %v", claims)
	}
}

// Attack: a visitor sends an assertion, of another visitor or of another site,
// in any spelling, with or without a session, also where the site signs none.
func TestAttackVisitorSendsAnAssertion(t *testing.T) {
	t.Parallel()
	spellings := []string{"X-Wechat-Assertion", "x-wechat-assertion", "X_Wechat_Assertion", "X-WECHAT_ASSERTION", "X.Wechat.Assertion", "X~Wechat+Assertion"}
	for name, on := range map[string]bool{"on": true, "off": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, func(w *town) {
				if w.access["/public"] = site.Public; on {
					asserting(w)
				}
			})
			b, stranger := w.browser("alice"), w.browser("bob")
			b.consents("/")
			var sent []string
			for _, spelling := range spellings {
				sent = append(sent, spelling, "evil.evil.evil")
			}
			for _, visit := range []struct {
				who  *browser
				path string
				want bool
			}{{b, "/", on}, {b, "/public", on}, {stranger, "/public", false}} {
				h := visit.who.script(http.MethodGet, visit.path, sent...).upstream().Header
				for header, values := range h {
					if slices.Contains(values, "evil.evil.evil") {
						t.Errorf("%s: %s: %q arrived", visit.path, header, values)
					}
				}
				if visit.want {
					b.asserted(h)
				} else if h.Get(site.HeaderAssertion) != "" {
					t.Errorf("%s: an assertion came from nowhere", visit.path)
				}
			}
		})
	}
}

// What changes about a visitor changes the next assertion.
func TestAttackAssertionAfterTheProfileChanged(t *testing.T) {
	t.Parallel()
	w := newTown(t, asserting)
	b := w.browser("alice")
	before := b.consents("/").last().upstream().Header
	if again := b.script(http.MethodGet, "/").upstream().Header; again.Get(site.HeaderAssertion) != before.Get(site.HeaderAssertion) {
		t.Error("the second request of a minute has another assertion")
	}
	if _, err := w.ledger.Observe(t.Context(), ledger.Observation{
		AppID: shopApp, OpenID: w.weChat.OpenID("alice", shopApp), Consent: true, Profile: &ledger.Profile{Nickname: "大明"},
	}); err != nil {
		t.Fatal(err)
	}
	claims := b.asserted(b.script(http.MethodGet, "/").upstream().Header)
	if claims["nickname"] != "大明" || claims["avatar"] != nil {
		t.Errorf("claims %v, want the new nickname and no avatar", claims)
	}
}

// Attack: without a key, a request goes to the app unsigned. It is answered 503
// instead, everywhere, and the session stays.
func TestAttackUnsignedRequest(t *testing.T) {
	t.Parallel()
	w := newTown(t, asserting, behindProxy, func(w *town) { w.access["/public"] = site.Public })
	b := w.browser("alice")
	b.consents("/")
	w.reload()
	withoutKeys(w)
	before := w.passed.Load()
	for name, h := range map[string]hop{
		"page":        b.send(http.MethodGet, "/", ""),
		"script":      b.script(http.MethodGet, "/"),
		"public page": b.send(http.MethodGet, "/public", ""),
		"post":        b.form("/", url.Values{"a": {"1"}}),
		"check":       b.script(http.MethodGet, checkPath),
		"list":        b.script(http.MethodGet, jwksPath),
	} {
		if h.status != http.StatusServiceUnavailable || h.header.Get("Retry-After") == "" || h.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v, want 503", name, h.status, h.header)
		}
		for header := range h.header {
			if strings.HasPrefix(header, "X-Wechat-") {
				t.Errorf("%s: the answer has %s", name, header)
			}
		}
	}
	if n := w.passed.Load() - before; n != 0 {
		t.Errorf("%d requests reached the upstream unsigned", n)
	}
	if h := w.browser("bob").script(http.MethodGet, "/public"); h.status != http.StatusOK {
		t.Errorf("a visitor without a session: %d, want 200: there is nothing to sign", h.status)
	}
	asserting(w)
	w.reload()
	b.asserted(b.script(http.MethodGet, "/").upstream().Header)
}

// Attack: a key has leaked and is withdrawn, and what it signed is sent on.
func TestAttackAssertionAfterTheKeyWasWithdrawn(t *testing.T) {
	t.Parallel()
	k := &keyed{t: t}
	w := newTown(t, k.generated, asserting)
	b := w.browser("alice")
	leaked := b.consents("/").last().upstream().Header.Get(site.HeaderAssertion)
	before := b.jwks().Keys
	k.retire()
	after := b.jwks().Keys
	if len(before) != 1 || len(after) != 1 || after[0].KeyID == before[0].KeyID {
		t.Fatalf("listed before: %v, after: %v", before, after)
	}
	h := b.open("/").last().upstream().Header // signed in again
	if h.Get(site.HeaderAssertion) == leaked {
		t.Error("the assertion of the withdrawn key is sent on")
	}
	b.asserted(h)
}

func TestJWKSEndpoint(t *testing.T) {
	t.Parallel()
	on, off := newTown(t, asserting).browser("alice"), newTown(t).browser("alice")
	list := on.jwks()
	if len(list.Keys) != 1 || !list.Keys[0].IsPublic() || list.Keys[0].Algorithm != "ES256" || list.Keys[0].Use != "sig" || list.Keys[0].KeyID == "" {
		t.Errorf("the list is %+v", list)
	}
	for name, c := range map[string]struct {
		b      *browser
		method string
		status int
		kind   string
	}{
		"a POST":                   {on, http.MethodPost, http.StatusMethodNotAllowed, "method_not_allowed"},
		"a site without":           {off, http.MethodGet, http.StatusNotFound, "assertion_off"},
		"a POST to a site without": {off, http.MethodPost, http.StatusMethodNotAllowed, "method_not_allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			if h := c.b.script(c.method, jwksPath); h.status != c.status || h.json().Error != c.kind {
				t.Errorf("%d %s, want %d %s", h.status, h.body, c.status, c.kind)
			}
		})
	}
}

// An avatar that makes the header of a check too long is in neither form.
func TestAssertionOfCheckFitsNginx(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]int{"short": 100, "long": 1200, "very long": 2000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, asserting, behindProxy)
			b := w.browser("alice")
			b.consents("/")
			avatar := "https://" + strings.Repeat("a", n-len("https://"))
			if _, err := w.ledger.Observe(t.Context(), ledger.Observation{
				AppID: shopApp, OpenID: w.weChat.OpenID("alice", shopApp), Consent: true, Profile: &ledger.Profile{Nickname: strings.Repeat("商", 80), AvatarURL: avatar},
			}); err != nil {
				t.Fatal(err)
			}
			h := b.script(http.MethodGet, checkPath)
			fitsNginx(t, h)
			claims := b.asserted(h.header)
			kept, _ := claims["avatar"].(string)
			if h.status != http.StatusOK || (kept != "") != (h.header.Get("X-Wechat-Avatar") != "") || (n == 100) != (kept == avatar) || claims["nickname"] != strings.Repeat("商", 80) {
				t.Errorf("%d, avatar of %d bytes in the assertion, %d in the header", h.status, len(kept), len(h.header.Get("X-Wechat-Avatar")))
			}
		})
	}
}
