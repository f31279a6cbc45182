package gate_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/site"
)

const checkPath = "/_wechat/check"

// behindProxy has all requests come from another proxy, on a site that answers
// it.
func behindProxy(w *town) { w.behind, w.gate.Rules.Check = true, true }

// where is the address of a 401.
func (h hop) where(t *testing.T) (address, kind string) {
	t.Helper()
	var body struct {
		Error       string
		RedirectURL string `json:"redirect_url"`
	}
	if err := json.Unmarshal([]byte(h.body), &body); err != nil || h.header.Get("Location") != body.RedirectURL {
		t.Errorf("%v in %s, Location %s", err, h.body, h.header.Get("Location"))
	}
	return body.RedirectURL, body.Error
}

// The headers are those that the app behind us gets, and the way to sign in
// comes back to the page that was asked for.
func TestCheck(t *testing.T) {
	t.Parallel()
	w := newTown(t, behindProxy)
	b := w.browser("alice")
	h := b.script(http.MethodGet, checkPath, "X-Forwarded-Uri", "/orders?id=7")
	if at, kind := h.where(t); h.status != http.StatusUnauthorized || kind != "not_signed_in" || at != shop+"/_wechat/login?return_to=%2Forders%3Fid%3D7" {
		t.Errorf("a stranger: %d %s %s", h.status, kind, at)
	}
	b.open("/")
	h = b.script(http.MethodGet, checkPath, "X-Original-Uri", "/orders")
	if at, kind := h.where(t); h.status != http.StatusUnauthorized || kind != "consent_required" || at != shop+"/_wechat/login?return_to=%2Forders&scope=snsapi_userinfo" {
		t.Errorf("without consent: %d %s %s", h.status, kind, at)
	}
	if h := b.script(http.MethodGet, checkPath+"?scope=snsapi_base"); h.status != http.StatusOK || h.header.Get("X-Wechat-Scope") != base {
		t.Errorf("where the openid is enough: %d %s", h.status, h.body)
	}
	want := b.consents("/").last().upstream().Header
	h = b.script(http.MethodGet, checkPath)
	if h.status != http.StatusOK || h.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %s", h.status, h.body)
	}
	for _, f := range site.Fields {
		if got := h.header.Get(f.Header); got != want.Get(f.Header) {
			t.Errorf("%s: %q, want %q", f.Header, got, want.Get(f.Header))
		}
	}
	if h := b.script(http.MethodPost, checkPath); h.status != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", h.status)
	}
	w.ledger.fail(ledger.ErrUnavailable)
	w.store.fail(ledger.ErrUnavailable)
	other := w.browser("bob")
	other.plant("/", "__Host-wechat", b.session()+"x")
	if h := other.script(http.MethodGet, checkPath); h.status == http.StatusOK {
		t.Errorf("another cookie: %d", h.status)
	}
}

// Attack: a page's script reads the unionid, also behind whatever ends TLS on
// the same machine, whose visitors all seem to be a proxy. The refusal names
// the option.
func TestAttackPageScriptAsksCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		check, behind bool
		kind          string
	}{
		"no proxy":                       {false, false, "check_off"},
		"no proxy, although proxies ask": {true, false, "not_a_proxy"},
		"TLS ends on the same machine":   {false, true, "check_off"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, func(w *town) { w.behind, w.gate.Rules.Check = c.behind, c.check })
			b := w.browser("alice")
			b.consents("/")
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				h := b.script(method, checkPath, "X-Forwarded-Uri", "/", "X-Forwarded-For", "127.0.0.1")
				if h.status != http.StatusForbidden || h.header.Get("X-Wechat-Unionid") != "" || h.header.Get("X-Wechat-Openid") != "" {
					t.Errorf("%s: %d %v", method, h.status, h.header)
				}
				if method == http.MethodGet && (!strings.Contains(h.body, c.kind) || c.kind == "check_off" && !strings.Contains(h.body, "`check on`")) {
					t.Errorf("%s, want %s", h.body, c.kind)
				}
			}
		})
	}
}

// Attack: a check that leads to another site.
func TestAttackCheckLeadsElsewhere(t *testing.T) {
	t.Parallel()
	w := newTown(t, behindProxy)
	stranger := w.browser("bob")
	for _, uri := range []string{"https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/%2f%2fevil.example"} {
		h := stranger.script(http.MethodGet, checkPath, "X-Original-Uri", uri)
		if at, _ := h.where(t); at != shop+"/_wechat/login?return_to=%2F" {
			t.Errorf("%q: %s", uri, at)
		}
	}
}

// Tokens are answered as everywhere; a guest may read.
func TestCheckOfOthers(t *testing.T) {
	t.Parallel()
	w := newTown(t, behindProxy, doors, rules(func(r *site.Rules) { r.SnapshotGuest = true }))
	c := w.mini("bob")
	if h := c.ask(http.MethodGet, checkPath, nil); h.status != http.StatusOK || h.header.Get("X-Wechat-Scope") != "mini_program" {
		t.Errorf("a token: %d %s", h.status, h.body)
	}
	c.token = "wxt_mini.nonsense"
	if h := c.ask(http.MethodGet, checkPath, nil); h.status != http.StatusUnauthorized || h.Error != "token_invalid" || h.header.Get("Location") != "" {
		t.Errorf("no token: %d %s", h.status, h.body)
	}
	w.weChat.answer(virtual)
	guest := w.browser("alice")
	guest.open("/")
	if h := guest.script(http.MethodGet, checkPath, "X-Forwarded-Method", "GET"); h.status != http.StatusOK || h.header.Get("X-Wechat-Snapshot") != "1" || h.header.Get("X-Wechat-Openid") != "" {
		t.Errorf("a guest reads: %d %v", h.status, h.header)
	}
	if h := guest.script(http.MethodGet, checkPath, "X-Forwarded-Method", "POST"); h.status != http.StatusForbidden {
		t.Errorf("a guest writes: %d", h.status)
	}
}
