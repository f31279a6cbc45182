package gate_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/site"
)

// Attack: QR-jacking. The code on the phone is the attacker's, whose number the
// holder does not see on a screen: a wrong one is a no, for good.
func TestScanWrongNumberIsNo(t *testing.T) {
	t.Parallel()
	for _, how := range []url.Values{{"number": {"wrong"}}, {"number": {"1"}}, {"deny": {"1"}}, {"deny": {"1"}, "number": {"right"}}} {
		w := newTown(t, scanning)
		s, phone := w.desktop("mallory").shows("/x"), w.browser("alice")
		page := phone.reads(s.code)
		switch how.Get("number") {
		case "right":
			how.Set("number", s.number)
		case "wrong":
			for _, n := range choices(page) {
				if n != s.number {
					how.Set("number", n)
				}
			}
		}
		if h := phone.form(s.code, how); h.kind() != "scan_denied" || h.button() != "" {
			t.Errorf("%v: %d %q", how, h.status, h.kind())
		}
		if h := phone.picks(page, s.number); h.kind() != "scan_denied" {
			t.Errorf("%v: the right one afterwards: %q", how, h.kind())
		}
		if s.state() != "denied" {
			t.Errorf("%v: %s", how, s.state())
		}
		h := s.open(s.next).last()
		if h.kind() != "scan_denied" || s.session() != "" || h.button() != "/_wechat/login?return_to=%2Fx" {
			t.Errorf("%v: the desktop: %d %q %s", how, h.status, h.kind(), h.button())
		}
		if fresh := s.shows(h.button()); fresh.code == s.code {
			t.Error("the same code again")
		}
		lines := w.audited()
		if last := lines[len(lines)-1]; last["action"] != "decline" || last["reason"] != "scan" {
			t.Errorf("audit %v", last)
		}
	}
}

// Attack: somebody else fetches what the phone has confirmed. The session is
// for the browser with the secret; a photograph of the code, and its id, are
// worth nothing.
func TestScanIsBoundToItsBrowser(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning)
	s, thief := w.desktop("alice").shows("/x"), w.desktop("mallory")
	own := thief.shows("/x")
	phone := w.browser("alice")
	phone.picks(phone.reads(s.code), s.number)
	secret, _, _ := strings.Cut(thief.cookies(own.wait)["__Secure-wechat-scan"], ".")
	sealed := strings.TrimPrefix(s.code, shop+"/_wechat/scan/")
	for name, value := range map[string]string{
		"none": "", "their own": thief.cookies(own.wait)["__Secure-wechat-scan"], "the code alone": "." + sealed,
		"their secret, this code": secret + "." + sealed, "garbage": "a.b", "long": strings.Repeat("a", 3000) + "." + sealed,
	} {
		if value != "" {
			thief.plant(s.wait, "__Secure-wechat-scan", value)
		}
		h := thief.open(s.next).last()
		if h.kind() != "scan_expired" || thief.session() != "" || h.button() != "/_wechat/login?return_to=%2Fx" {
			t.Errorf("%s: %d %q %s", name, h.status, h.kind(), h.button())
		}
		stolen := s
		stolen.browser = thief
		if got := stolen.state(); got != "expired" {
			t.Errorf("%s: hears %s", name, got)
		}
		if h := thief.script(http.MethodGet, s.wait+"/events"); h.status != http.StatusGone {
			t.Errorf("%s: stream %d", name, h.status)
		}
	}
	if v := s.open(s.next); v.last().url != shop+"/x" {
		t.Errorf("its own browser: %s", v)
	}
}

// A code is good once: its browser may repeat a lost answer, and no second
// session comes of it, not even when the gateway has forgotten what it
// answered.
func TestScanOnce(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning)
	s, phone := w.desktop("alice").shows("/x"), w.browser("alice")
	cookie := s.cookies(s.wait)["__Secure-wechat-scan"]
	page := phone.reads(s.code)
	phone.picks(page, s.number)
	if h := phone.picks(page, s.number); h.kind() != "scan_confirmed" { // two clicks
		t.Errorf("%q", h.kind())
	}
	s.open(s.next)
	first := s.session()
	again := w.desktop("alice")
	again.plant(s.wait, "__Secure-wechat-scan", cookie)
	again.secretsOf(s.browser)
	if again.open(s.next); again.session() != first {
		t.Error("another session")
	}
	w.reload()
	saves := w.store.count(&w.store.saves)
	late := w.desktop("alice")
	late.plant(s.wait, "__Secure-wechat-scan", cookie)
	late.secretsOf(s.browser)
	if h := late.open(s.next).last(); h.kind() != "scan_expired" || late.session() != "" || w.store.count(&w.store.saves) != saves {
		t.Errorf("%d %q", h.status, h.kind())
	}
}

// The first phone that answers has answered; what it said is not told to
// others.
func TestScanTwoPhones(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning)
	s, alice, bob := w.desktop("alice").shows("/x"), w.browser("alice"), w.browser("bob")
	page, other := alice.reads(s.code), bob.reads(s.code)
	alice.picks(page, s.number)
	if h := bob.picks(other, s.number); h.kind() != "scan_expired" {
		t.Errorf("%q", h.kind())
	}
	if got := s.open(s.next).last().upstream().Header.Get("X-Wechat-Openid"); got != w.weChat.OpenID("alice", shopApp) {
		t.Errorf("signed in as %s", got)
	}
}

// Attack: CSRF. Another site makes the phone confirm.
func TestScanConfirmsFromItsOwnPageOnly(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning)
	s, phone := w.desktop("mallory").shows("/x"), w.browser("alice")
	phone.reads(s.code)
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Site", "", "Origin", "https://evil.example"}, {"Sec-Fetch-Site", "", "Origin", "null"},
	} {
		if h := phone.form(s.code, url.Values{"number": {s.number}}, headers...); h.status != http.StatusForbidden || h.json().Error != "cross_site" {
			t.Errorf("%v: %d", headers, h.status)
		}
	}
	if h := phone.form(s.code, url.Values{"x": {"y"}}); h.status != http.StatusBadRequest {
		t.Errorf("no answer: %d", h.status)
	}
	if s.state() != "waiting" {
		t.Errorf("%s", s.state())
	}
	h := phone.reads(s.code)
	if policy := h.header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") || h.header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("the page can be framed: %s", policy)
	}
}

// WeChat's servers fetch the address, before and after, without cookies
// (wechat-protocol J2).
func TestScanRefetchers(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning)
	s, phone := w.desktop("alice").shows("/x"), w.browser("alice")
	refetch := func() {
		crawler := w.browser("carol")
		if h := crawler.send(http.MethodGet, s.code, ""); len(visit{h}.scopes()) != 1 || s.state() == "denied" {
			t.Errorf("%d %s", h.status, s.state())
		}
	}
	refetch()
	page := phone.reads(s.code)
	refetch()
	phone.picks(page, s.number)
	refetch()
	if v := s.open(s.next); v.last().url != shop+"/x" {
		t.Errorf("%s", v)
	}
}

// A code opened where nobody can sign in explains itself, and is no code for a
// code.
func TestScanCodeOutsideWeChat(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning)
	s, other := w.desktop("alice").shows("/x"), w.desktop("bob")
	for _, address := range []string{s.code, "/_wechat/login?return_to=" + url.QueryEscape(strings.TrimPrefix(s.code, shop))} {
		if h := other.open(address).last(); h.kind() != "open_in_wechat" || !strings.Contains(h.body, s.code) {
			t.Errorf("%d %q", h.status, h.kind())
		}
	}
	if h := other.script(http.MethodGet, s.code); h.status != http.StatusUnauthorized {
		t.Errorf("script: %d", h.status)
	}
	// Who is signed in there may confirm: a User-Agent grants nothing, and
	// takes nothing.
	phone := w.browser("alice")
	phone.reads(s.code)
	phone.ua = desktopUA
	phone.picks(phone.reads(s.code), s.number)
	s.open(s.next).last().upstream()
}

// 快照页: a virtual visitor signs nobody in, and goes nowhere in circles.
func TestScanBySnapshot(t *testing.T) {
	t.Parallel()
	for _, rule := range []func(*site.Rules){snapshotGuest, func(*site.Rules) {}} {
		w := newTown(t, scanning, rules(rule))
		s, phone := w.desktop("alice").shows("/x"), w.browser("alice")
		w.weChat.answer(virtual)
		v := phone.open(s.code)
		if v.last().kind() != "snapshot" || len(v.scopes()) != 1 {
			t.Errorf("%q %s", v.last().kind(), v)
		}
		if h := phone.form(s.code, url.Values{"number": {s.number}}); h.kind() == "scan_confirmed" || s.state() != "waiting" {
			t.Errorf("%q %s", h.kind(), s.state())
		}
		w.weChat.answer("")
		if h := phone.open(v.last().button()).last(); h.kind() != "scan_confirm" {
			t.Errorf("afterwards %q", h.kind())
		}
	}
}

// Attack: one visitor fills the session store, by way of several phones, too:
// the pace is the person's.
func TestAttackScansWithoutEnd(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning)
	for range 5 {
		s, phone := w.desktop("alice").shows("/x"), w.browser("alice")
		phone.picks(phone.reads(s.code), s.number)
		s.open(s.next).last().upstream()
	}
	next, phone := w.desktop("alice").shows("/x"), w.browser("alice")
	if h := phone.picks(phone.reads(next.code), next.number); h.status != http.StatusTooManyRequests || next.state() != "waiting" {
		t.Errorf("one more phone confirms: %d %s", h.status, next.state())
	}
}
