package gate_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// This file is about who may enter. keepOut lists the ways in which somebody
// who is signed in may no longer enter.
var keepOut = map[string]func(w *town, p ledger.Person){
	"banned": func(w *town, p ledger.Person) {
		if err := w.ledger.Ban(w.t.Context(), p.ID, time.Now()); err != nil {
			w.t.Fatal(err)
		}
	},
	"deny openid":  func(w *town, p ledger.Person) { w.denies(p.OpenID(shopApp)) },
	"deny unionid": func(w *town, p ledger.Person) { w.denies(p.UnionID) },
	"deny person":  func(w *town, p ledger.Person) { w.denies(p.ID) },
	"allow others": func(w *town, _ ledger.Person) { w.allows("oSomebodyElse") },
}

// denies and allows change the configuration, as a reload does.
func (w *town) denies(ids ...string) {
	w.hub.Deny = site.IDs{}
	for _, id := range ids {
		w.hub.Deny[id] = struct{}{}
	}
	w.reload()
}

func (w *town) allows(ids ...string) {
	w.gate.Rules.Allow = site.IDs{}
	for _, id := range ids {
		w.gate.Rules.Allow[id] = struct{}{}
	}
	w.reload()
}

// wantOutside fails unless a visit ended with the page, and reached nothing.
func (w *town) wantOutside(what string, v visit, passed int32) {
	w.t.Helper()
	last := v.last()
	if last.status != http.StatusForbidden || last.kind() != "not_allowed" || last.header.Get("X-Upstream") != "" {
		w.t.Errorf("%s: %d %q %s%s", what, last.status, last.kind(), last.body[:min(200, len(last.body))], v)
	}
	if last.header.Get("X-Wechat-Openid") != "" || last.header.Get("Location") != "" {
		w.t.Errorf("%s: the header is %v", what, last.header)
	}
	if got := w.passed.Load(); got != passed {
		w.t.Errorf("%s: %d requests reached the app, want %d", what, got, passed)
	}
}

// Whoever may not enter gets the page once, or JSON, wherever the request goes,
// and public paths get the request without an identity.
func TestWhoMayNotEnter(t *testing.T) {
	t.Parallel()
	for name, keep := range keepOut {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, counting)
			w.access["/public"], w.access["/optional"] = site.Public, site.Optional
			b, other := w.browser("alice"), w.browser("bob")
			b.consents("/")
			other.consents("/")
			keep(w, w.person("alice"))
			passed := w.passed.Load()
			for range 3 { // with the session of before
				w.wantOutside("a page", b.open("/orders?id=7", "Sec-Fetch-Mode", "navigate"), passed)
			}
			if h := b.script(http.MethodGet, "/api"); h.status != http.StatusForbidden || h.json().Error != "not_allowed" {
				t.Errorf("a script: %d %s", h.status, h.body)
			}
			if h := b.form("/orders", nil); h.status != http.StatusForbidden || h.kind() != "not_allowed" {
				t.Errorf("a form: %d %q", h.status, h.kind())
			}
			if h := b.handshake("/socket", shop); h.status != http.StatusForbidden {
				t.Errorf("a socket: %d %s", h.status, h.body)
			}
			if h := b.script(http.MethodGet, "/_wechat/session"); h.status != http.StatusForbidden || h.json().Error != "not_allowed" || h.json().User != nil {
				t.Errorf("session: %d %s", h.status, h.body)
			}
			w.wantOutside("login", b.open("/_wechat/login?return_to=/orders"), passed)
			for _, path := range []string{"/public", "/optional"} {
				e := b.open(path).last().upstream()
				for header := range e.Header {
					if strings.HasPrefix(header, "X-Wechat-") {
						t.Errorf("%s: the app gets %s: %q", path, header, e.Header[header])
					}
				}
			}
			if name != "allow others" {
				if id := other.open("/").last().upstream().Header.Get("X-Wechat-Openid"); id != w.weChat.OpenID("bob", shopApp) {
					t.Errorf("another visitor: %q", id)
				}
			}
			if n := w.tally()["not_allowed"]; n != 6 {
				t.Errorf("%d decisions not_allowed, want 6: %v", n, w.tally())
			}
		})
	}
}

// A sign-in of whom may not enter ends with the page, at once and without an
// end: no session, no event, no record of somebody who is not known.
func TestSignInOfWhoMayNotEnter(t *testing.T) {
	t.Parallel()
	for name, keep := range keepOut {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, counting)
			w.ledger.SetTargets([]ledger.Target{{Name: "crm"}})
			w.access["/optional"] = site.Optional
			w.browser("alice").consents("/")
			p := w.person("alice")
			keep(w, p)
			w.toldOf(ledger.SignedIn)
			passed, b := w.passed.Load(), w.browser("alice")
			v := b.open("/orders", "Sec-Fetch-Mode", "navigate")
			w.wantOutside("a sign-in", v, passed)
			if len(v.scopes()) != 1 || b.session() != "" {
				t.Errorf("it went to WeChat for %v, and the browser holds the session %q", v.scopes(), b.session())
			}
			if h := b.send(http.MethodGet, v.last().url, ""); h.status != http.StatusForbidden || h.kind() != "not_allowed" { // WeChat's second hit
				t.Errorf("the same callback again: %d %q %s", h.status, h.kind(), h.header.Get("Location"))
			}
			again := b.open(v.last().button())
			w.wantOutside("the button", again, passed)
			if e := b.open("/optional").last().upstream(); e.Header.Get("X-Wechat-User") != "" {
				t.Errorf("an optional path gets %v", e.Header)
			}
			if got := w.toldOf(ledger.SignedIn); got != 0 {
				t.Errorf("%d events of sign-ins", got)
			}
			lines := w.log.lines(`"action":"refuse"`)
			if len(lines) != 3 || !strings.Contains(lines[0], p.ID[:8]) {
				t.Errorf("the audit log has %v", lines)
			}
			if got := w.tally()["ended main browser not_allowed"]; got != 3 {
				t.Errorf("counted %v", w.tally())
			}
		})
	}
}

// Attack: whoever is banned comes back with another browser, a copied cookie, a
// token, a ticket, a desktop, or after an erasure.
func TestAttackBannedComesBack(t *testing.T) {
	t.Parallel()
	for name, come := range map[string]func(w *town) (before func(), after func(passed int32)){
		"with another User-Agent": func(w *town) (func(), func(int32)) {
			b := w.browser("alice")
			return func() { b.open("/") }, func(passed int32) {
				for _, ua := range []string{desktopUA, miniUA, "curl/8", ""} {
					b.ua = ua
					w.wantOutside(ua, b.open("/"), passed)
				}
			}
		},
		"with a copied cookie": func(w *town) (func(), func(int32)) {
			b, value := w.browser("alice"), ""
			return func() { b.open("/"); value = b.session() }, func(passed int32) {
				w.wantOutside("the copy", w.copied(value).open("/"), passed)
			}
		},
		"with an old token": func(w *town) (func(), func(int32)) {
			var c *client
			return func() { c = w.mini("alice") }, func(passed int32) {
				c.ask(http.MethodGet, "/", nil).refused(w.t, http.StatusForbidden, "not_allowed")
				c.ask(http.MethodGet, "/_wechat/session", nil).refused(w.t, http.StatusForbidden, "not_allowed")
				c.ask(http.MethodPost, ticketPath, nil).refused(w.t, http.StatusForbidden, "not_allowed")
				if got := w.passed.Load(); got != passed {
					w.t.Errorf("%d requests passed", got-passed)
				}
			}
		},
		"at the mini program and the app": func(w *town) (func(), func(int32)) {
			return func() { w.mini("alice") }, func(int32) {
				c := w.client("alice")
				c.ask(http.MethodPost, "/_wechat/mini-program/mini/login", code{w.weChat.MiniProgramCode("alice", miniApp)}).refused(w.t, http.StatusForbidden, "not_allowed")
				c.ask(http.MethodPost, mobileLogin, code{w.weChat.MobileCode("alice", mobileApp)}).refused(w.t, http.StatusForbidden, "not_allowed")
			}
		},
		"by a ticket of before": func(w *town) (func(), func(int32)) {
			ticket := ""
			return func() { ticket = w.mini("alice").ticket() }, func(passed int32) {
				v := w.webView("alice").open("/page?wechat_ticket="+ticket, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "none")
				w.wantOutside("the web-view", v, passed)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, doors)
			before, after := come(w)
			w.browser("alice").consents("/")
			before()
			keepOut["banned"](w, w.person("alice"))
			after(w.passed.Load())
		})
	}
}

// Attack: a banned person has their data erased, and signs in anew. The ledger
// does not even record the person again.
func TestAttackBannedIsErased(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	w.browser("alice").consents("/")
	p := w.person("alice")
	keepOut["banned"](w, p)
	if err := w.ledger.Erase(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	passed := w.passed.Load()
	w.wantOutside("anew", w.browser("alice").open("/"), passed)
	c := w.client("alice") // another openid, the same unionid
	c.ask(http.MethodPost, "/_wechat/mini-program/mini/login", code{w.weChat.MiniProgramCode("alice", miniApp)}).refused(t, http.StatusForbidden, "not_allowed")
	for _, app := range []string{shopApp, miniApp} {
		if _, err := w.ledger.FindOpenID(t.Context(), app, w.weChat.OpenID("alice", app)); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", app, err)
		}
	}
	if err := w.ledger.Unban(t.Context(), w.weChat.OpenID("alice", shopApp)); err != nil {
		t.Fatal(err)
	}
	w.browser("alice").consents("/").last().upstream()
}

// Attack: an id that differs in case, in Unicode or by a blank is taken for one
// that `allow` names, or slips past `deny`.
func TestAttackAlmostTheID(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	b := w.browser("alice")
	b.open("/")
	id := w.weChat.OpenID("alice", shopApp)
	for name, almost := range map[string]string{
		"upper case": strings.ToUpper(id), "lower case": strings.ToLower(id), "full width": strings.Replace(id, "o", "ｏ", 1), "Cyrillic": strings.Replace(id, "o", "о", 1),
		"a blank": id + " ", "a NUL": id + "\x00", "a prefix": id[:len(id)-1], "longer": id + "x",
	} {
		w.allows(almost)
		if h := b.open("/").last(); h.status != http.StatusForbidden {
			t.Errorf("allow %s: %d", name, h.status)
		}
	}
	w.allows(id)
	b.open("/").last().upstream()
}

// deny and bans win over allow, and each id of a person counts.
func TestAllow(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors)
	b := w.browser("alice")
	b.consents("/")
	w.mini("alice") // another openid of the same person
	p := w.person("alice")
	for name, id := range map[string]string{"openid": p.OpenID(shopApp), "openid of the mini program": p.OpenID(miniApp), "unionid": p.UnionID, "person": p.ID} {
		w.allows("oSomebody", id)
		b.open("/").last().upstream()
		w.denies(p.UnionID)
		if h := b.open("/").last(); h.status != http.StatusForbidden {
			t.Errorf("allowed by %s and denied: %d", name, h.status)
		}
		w.denies()
	}
	keepOut["banned"](w, p)
	if h := b.open("/").last(); h.status != http.StatusForbidden {
		t.Errorf("allowed and banned: %d", h.status)
	}
	if err := w.ledger.Unban(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	b.open("/").last().upstream() // the session was not ended here
}

// The older id of a merged record counts, too.
func TestDenyMergedID(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	var merged string
	for _, seen := range []ledger.Observation{
		{AppID: otherApp, OpenID: "oElsewhere", UnionID: w.weChat.UnionID("alice", shopApp), At: time.Now().Add(-time.Hour)},
		{AppID: shopApp, OpenID: w.weChat.OpenID("alice", shopApp)},
	} {
		p, err := w.ledger.Observe(t.Context(), seen)
		if err != nil {
			t.Fatal(err)
		}
		merged = p.ID
	}
	b := w.browser("alice")
	b.consents("/")
	if p := w.person("alice"); len(p.Merged) != 1 || p.Merged[0] != merged {
		t.Fatalf("%+v is not merged", p)
	}
	w.denies(merged)
	if h := b.open("/").last(); h.status != http.StatusForbidden || h.kind() != "not_allowed" {
		t.Errorf("%d %q", h.status, h.kind())
	}
}

// A check tells other proxies that a visitor may not enter: no identity, and no
// way to a sign-in.
func TestCheckOfWhoMayNotEnter(t *testing.T) {
	t.Parallel()
	for name, keep := range keepOut {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, behindProxy)
			b := w.browser("alice")
			b.consents("/")
			keep(w, w.person("alice"))
			h := b.script(http.MethodGet, checkPath)
			if h.status != http.StatusForbidden || h.json().Error != "not_allowed" || h.header.Get("Location") != "" || h.header.Get("X-Wechat-Openid") != "" {
				t.Errorf("%d %s %v", h.status, h.body, h.header)
			}
		})
	}
}

// A phone that may not enter signs no desktop in, also if it has answered
// before.
func TestScanOfWhoMayNotEnter(t *testing.T) {
	t.Parallel()
	w := newTown(t, scanning)
	phone := w.browser("alice")
	s := w.desktop("bob").shows("/orders")
	page := phone.reads(s.code)
	if h := phone.picks(page, s.number); h.kind() != "scan_confirmed" {
		t.Fatalf("%d %q", h.status, h.kind())
	}
	keepOut["banned"](w, w.person("alice"))
	passed := w.passed.Load()
	w.wantOutside("the desktop", s.open(s.next), passed)
	if s.session() != "" {
		t.Error("the desktop has a session")
	}
	later := w.desktop("bob").shows("/orders")
	w.wantOutside("the phone", phone.open(later.code), passed)
}

// Whoever may not enter can sign out, and then sign in as somebody who may.
func TestSignOutOfWhoMayNotEnter(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	b := w.browser("alice")
	b.open("/")
	value := b.session()
	w.denies(w.weChat.OpenID("alice", shopApp))
	page := b.open("/").last()
	if !strings.Contains(page.body, `<form method="post" action="/_wechat/logout">`) {
		t.Fatalf("the page has no way out: %s", page.body)
	}
	if h := b.form("/_wechat/logout", nil); h.kind() != "signed_out" || b.session() != "" {
		t.Fatalf("%d %q", h.status, h.kind())
	}
	w.denies()
	if v := w.copied(value).open("/"); len(v.scopes()) != 1 {
		t.Error("the session was not ended")
	}
	b.holds("bob")
	if id := b.open("/").last().upstream().Header.Get("X-Wechat-Openid"); id != w.weChat.OpenID("bob", shopApp) {
		t.Errorf("signed in as %q", id)
	}
}

// Attack: a socket, a stream or a download that was open goes on after a ban,
// or after a reload with `deny`.
func TestAttackStreamsOfTheBanned(t *testing.T) {
	t.Parallel()
	for name, keep := range map[string]func(w *town, p ledger.Person){
		"banned": keepOut["banned"],
		"denied in the next configuration": func(w *town, p ledger.Person) {
			next := *w.hub
			next.Deny, next.Succession = site.IDs{p.ID: {}}, new(site.Succession)
			w.hub.Succession.SetNext(&next)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, over := streaming(t, func(w *town) { w.hub.Succession = new(site.Succession) })
			b := w.browser("alice")
			b.open("/")
			p := w.person("alice")
			for kind := range streams {
				b.stream(kind)
			}
			keep(w, p)
			begun := time.Now()
			for range streams {
				if _, cut := within(over, time.Until(begun.Add(cutPatience))); !cut {
					t.Fatal("something still runs")
				}
			}
		})
	}
}

// A virtual visitor has no ids, so a site with allow admits none.
func TestAllowAdmitsNoGuest(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase), rules(func(r *site.Rules) { r.SnapshotGuest = true }))
	w.weChat.answer(virtual)
	b := w.browser("alice")
	b.open("/").last().upstream()
	w.allows("oSomebody")
	for range 2 {
		if h := b.open("/").last(); h.kind() != "snapshot" || h.header.Get("X-Upstream") != "" {
			t.Errorf("%d %q", h.status, h.kind())
		}
	}
}
