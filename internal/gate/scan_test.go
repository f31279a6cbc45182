package gate_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// The whole way: the desktop shows a code, the phone signs in and picks the
// number, and the desktop is the same person, at the address that it wanted.
func TestScan(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning)
	s := w.desktop("carol").shows("/x?y=1&z=%2F")
	if len(s.code) > 250 {
		t.Errorf("the code holds %d bytes", len(s.code))
	}
	if strings.Contains(s.code, "%2F") || s.state() != "waiting" || w.store.count(&w.store.saves) != 0 {
		t.Error("the code holds the target, or something was kept, or there is an answer")
	}
	phone := w.browser("alice")
	page := phone.reads(s.code)
	for _, want := range []string{"Linux · Chrome", "127.0.0.x", "shop.example.com"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the phone does not show %q", want)
		}
	}
	if all := choices(page); len(all) != 3 || !slices.Contains(all, s.number) || !slices.Equal(all, choices(phone.reads(s.code))) {
		t.Errorf("the phone lets choose from %v, the screen shows %s", all, s.number)
	}
	if h := phone.picks(page, s.number); h.kind() != "scan_confirmed" || h.status != http.StatusOK {
		t.Fatalf("%d %q", h.status, h.kind())
	}
	if s.state() != "confirmed" {
		t.Errorf("the desktop hears %s", s.state())
	}
	v := s.open(s.next)
	got, want := v.last().upstream().Header, phone.open("/").last().upstream().Header
	if v.last().url != shop+"/x?y=1&z=%2F" || len(v) != 2 {
		t.Errorf("%s", v)
	}
	for _, name := range []string{"X-Wechat-User", "X-Wechat-Openid", "X-Wechat-App-Id", "X-Wechat-Account", "X-Wechat-Scope"} {
		if got.Get(name) == "" || got.Get(name) != want.Get(name) {
			t.Errorf("%s: %q, want %q", name, got.Get(name), want.Get(name))
		}
	}
	if s.session() == phone.session() || s.session() == "" || s.cookies(s.wait)["__Secure-wechat-scan"] != "" {
		t.Error("the session is the phone's, or the secret is still there")
	}
	lines := w.audited()
	last := lines[len(lines)-1]
	if last["action"] != "sign_in" || last["reason"] != "scan" || last["client"] != "linux_chrome" || last["account"] != "main" {
		t.Errorf("audit %v", last)
	}
	// Two sessions: one ends, the other stays.
	phone.form("/_wechat/logout", nil)
	s.open("/x").last().upstream()
}

// Without a script the page asks by itself: the same code, until there is an
// answer.
func TestScanWithoutScript(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning)
	s := w.desktop("alice").shows("/x")
	if !strings.Contains(s.page.body, `<noscript><meta http-equiv="refresh" content="4;url=`+strings.ReplaceAll(s.next, "&", "&amp;")) {
		t.Error("no refresh")
	}
	again := s.screen(s.open(s.next).last())
	if again.code != s.code || again.number != s.number || again.next != s.next || len(again.page.header["Set-Cookie"]) != 0 {
		t.Error("another code")
	}
	phone := w.browser("alice")
	phone.picks(phone.reads(s.code), s.number)
	if v := s.open(s.next); v.last().url != shop+"/x" {
		t.Errorf("%s", v)
	}
}

// Two windows of one browser do not disturb each other.
func TestScanTwoWindows(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning)
	b := w.desktop("alice")
	one, two := b.shows("/one"), b.shows("/two")
	phone := w.browser("alice")
	phone.picks(phone.reads(one.code), one.number)
	if one.state() != "confirmed" || two.state() != "waiting" {
		t.Errorf("%s, %s", one.state(), two.state())
	}
	if v := b.open(one.next); v.last().url != shop+"/one" {
		t.Errorf("%s", v)
	}
}

// What the desktop lacks is asked of the phone: consent for a path that wants
// it.
func TestScanStepUp(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning, func(w *town) { w.need["/account"] = wechat.ScopeUserInfo })
	b, phone := w.desktop("alice"), w.browser("alice")
	s := b.shows("/")
	phone.picks(phone.reads(s.code), s.number)
	if v := b.open(s.next); v.last().upstream().Header.Get("X-Wechat-Scope") != base {
		t.Errorf("%s", v)
	}
	s = b.shows("/account")
	page := phone.open(s.code).last()
	if page.kind() != "consent" {
		t.Fatalf("the phone shows %q", page.kind())
	}
	v := phone.decide(phone.open(page.button()).last(), "allow")
	if v.last().kind() != "scan_confirm" || strings.TrimSuffix(v.last().url, "#") != s.code+"?back" {
		t.Fatalf("after the consent: %q %s", v.last().kind(), v)
	}
	phone.picks(v.last(), s.number)
	got := b.open(s.next).last()
	if got.url != shop+"/account" || got.upstream().Header.Get("X-Wechat-Nickname") == "" {
		t.Errorf("%s %d", got.url, got.status)
	}
	// The app may ask, too.
	w.upstream = func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set(gate.HeaderRequire, userinfo)
		rw.WriteHeader(http.StatusForbidden)
	}
	other := w.desktop("bob")
	mobile := w.browser("bob")
	s = other.shows("/")
	mobile.picks(mobile.reads(s.code), s.number)
	if page := other.open(s.next).last(); page.kind() != "scan" {
		t.Fatalf("the app asks for consent, and the desktop shows %q", page.kind())
	} else if mobile.open(other.screen(page).code).last().kind() != "consent" {
		t.Error("the phone is not asked for consent")
	}
}

// A decline on the phone counts on the desktop.
func TestScanDeclined(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning, rules(allowDeclined), scope(wechat.ScopeUserInfo))
	s, phone := w.desktop("alice").shows("/x"), w.browser("alice")
	page := phone.open(s.code).last()
	m := declineForm.FindStringSubmatch(page.body)
	if page.kind() != "consent" || m == nil {
		t.Fatalf("%q", page.kind())
	}
	h := phone.form(m[1], url.Values{"return_to": {m[2]}})
	phone.picks(phone.reads(h.location()), s.number)
	if v := s.open(s.next); v.last().url != shop+"/x" || v.last().upstream().Header.Get("X-Wechat-Scope") != base {
		t.Errorf("%s", v)
	}
}

// Scripts, forms and the session endpoint answer as ever.
func TestScanOnlyNavigations(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning)
	b := w.desktop("alice")
	h := b.script(http.MethodGet, "/api")
	if h.status != http.StatusUnauthorized || len(h.header["Set-Cookie"]) != 0 {
		t.Fatalf("%d %v", h.status, h.header)
	}
	if s := b.shows(h.json().RedirectURL); !strings.Contains(s.next, "return_to=%2F") {
		t.Errorf("login leads to %s", s.next)
	}
	if h := b.send(http.MethodHead, "/x", ""); h.status != http.StatusForbidden || h.body != "" {
		t.Errorf("HEAD: %d", h.status)
	}
}

// Where a site signs nobody in like this, nothing of it is there.
func TestScanElsewhere(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning)
	s := w.desktop("alice").shows("/x")
	phone := w.browser("alice")
	phone.open("/")
	w.gate.Rules.OutsideWeChat = site.OutsideQR
	for _, address := range []string{s.code, s.next, s.wait + "/state", s.wait + "/events"} {
		for _, b := range []*browser{phone, s.browser} {
			if h := b.send(http.MethodGet, address, ""); h.status != http.StatusNotFound || h.json().Error != "not_found" {
				t.Errorf("%s: %d", address, h.status)
			}
		}
	}
	w.gate.Rules.OutsideWeChat = site.OutsideScan
	for _, address := range []string{"/_wechat/scan/", "/_wechat/scan/x/y", "/_wechat/scan/wait/", s.wait + "/done", "/_wechat/scan"} {
		if h := phone.open(address).last(); h.kind() != "scan_expired" && h.status != http.StatusNotFound {
			t.Errorf("%s: %d %q", address, h.status, h.kind())
		}
	}
	for method, address := range map[string]string{"HEAD": s.code, "PUT": s.code, "DELETE": s.wait + "/state"} {
		if h := phone.script(method, address); h.status != http.StatusMethodNotAllowed {
			t.Errorf("%s %s: %d", method, address, h.status)
		}
	}
	if h := phone.script(http.MethodPost, s.next); h.status != http.StatusGone { // its own browser may, where it was asked first
		t.Errorf("POST of another browser: %d", h.status)
	}
}
