package gate_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// The attacks of this file cause events for the business systems without end. A
// bubble of synctest holds the clock still, so that no attack is too slow.

// inBubble runs a test in a town whose clock stands still.
func inBubble(t *testing.T, run func(t *testing.T, w *town), changes ...func(*town)) {
	t.Helper()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		run(t, newTownWith(t, c, append(changes, crm, func(w *town) { w.inside = true })...))
	})
}

// toldOf counts the events of a kind that wait for the business system.
func (w *town) toldOf(kind ledger.EventKind) (n int) {
	w.t.Helper()
	for _, e := range w.told() {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// declines begins a sign-in with consent and comes back with the state alone,
// as after a refusal at WeChat.
func (b *browser) declines() hop {
	b.town.t.Helper()
	begun := b.send(http.MethodGet, "/_wechat/login?scope=snsapi_userinfo", "")
	u, err := url.Parse(begun.location())
	if err != nil || u.Query().Get("state") == "" {
		b.town.t.Fatalf("%d %s", begun.status, begun.location())
	}
	return b.send(http.MethodGet, u.Query().Get("redirect_uri")+"?state="+u.Query().Get("state"), "")
}

// Attack: a signed-in visitor declines as fast as a script can, and the events
// push other people's notices out of the outbox. Each decline is carried out.
func TestAttackDeclinesWithoutEnd(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *town) {
		b := w.browser("alice")
		b.open("/")
		w.told()
		for i := range 60 {
			if h := b.declines(); h.status != http.StatusSeeOther {
				t.Fatalf("decline %d: %d %s", i, h.status, h.kind())
			}
		}
		if n := w.toldOf(ledger.Declined); n != 10 {
			t.Errorf("%d declined events at once, want 10", n)
		}
		if n := len(w.log.lines(`"action":"decline"`)); n != 60 {
			t.Errorf("%d lines in the audit log", n)
		}
		if lines := w.log.lines("events are not sent"); len(lines) != 1 {
			t.Errorf("the log says %q", lines)
		}
		// Another site, or a new configuration, is no new budget.
		w.gate = &gate.Gate{Site: site.Site{Hub: w.hub, Account: w.gate.Account, Rules: w.gate.Rules, Logger: w.gate.Logger, Audit: w.gate.Audit}}
		b.declines()
		if n := w.toldOf(ledger.Declined); n != 0 {
			t.Errorf("%d declined events at another site", n)
		}
		time.Sleep(3 * time.Minute)
		for range 20 {
			b.declines()
		}
		if n := w.toldOf(ledger.Declined); n != 3 {
			t.Errorf("%d declined events after three minutes, want 3", n)
		}
		if lines := w.log.lines("events are not sent"); len(lines) != 3 || !strings.Contains(lines[2], `"events":1`) {
			t.Errorf("the log says %q", lines)
		}
		bob := w.browser("bob")
		bob.open("/")
		w.told()
		bob.declines()
		if n := w.toldOf(ledger.Declined); n != 1 {
			t.Errorf("%d declined events of another person", n)
		}
	}, rules(allowDeclined))
}

// Attack: the same with sign-ins and sign-outs, which need a code of WeChat's,
// but no click.
func TestAttackSignInsWithoutEnd(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *town) {
		b := w.browser("alice")
		for range 30 {
			b.open("/").last().upstream()
			if h := b.form("/_wechat/logout", nil); h.status != http.StatusOK || b.session() != "" {
				t.Fatalf("%d, still signed in: %t", h.status, b.session() != "")
			}
		}
		kinds := map[ledger.EventKind]int{}
		for _, e := range w.told() {
			kinds[e.Kind]++
		}
		// The first sign-in is of an openid that is nobody's yet.
		if kinds[ledger.SignedIn] != 11 || kinds[ledger.LoggedOut] != 10 {
			t.Errorf("told %v, want 11 sign-ins and 10 sign-outs", kinds)
		}
	}, scope(wechat.ScopeBase))
}

// Attack: the same with tickets of a mini program, each of which signs a
// web-view in.
func TestAttackTicketEventsWithoutEnd(t *testing.T) {
	t.Parallel()
	w := newTown(t, doors, crm) // not in a bubble: the simulator's codes have a time
	mini := w.mini("alice")
	w.told()
	for range 15 {
		view := w.webView("alice")
		view.open("/?wechat_ticket=" + mini.ticket()).last().upstream()
	}
	if n := w.toldOf(ledger.SignedIn); n != 10 {
		t.Errorf("%d signed_in events, want 10", n)
	}
}

// A person who signs in, declines and signs out some times a day is told of
// every time; so is the second click of one sign-out, once, and it costs
// nothing.
func TestEverydayEventsAreTold(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *town) {
		b := w.browser("alice")
		for range 5 {
			b.open("/")
			b.declines()
			cookie := b.session()
			for range 4 {
				b.plant("/", "__Host-wechat", cookie)
				b.form("/_wechat/logout", nil)
			}
		}
		kinds := map[ledger.EventKind]int{}
		for _, e := range w.told() {
			kinds[e.Kind]++
		}
		for _, kind := range []ledger.EventKind{ledger.SignedIn, ledger.Declined, ledger.LoggedOut} {
			if kinds[kind] != 5 {
				t.Errorf("%d of %s, want 5", kinds[kind], kind)
			}
		}
		if lines := w.log.lines("events are not sent"); len(lines) != 0 {
			t.Errorf("the log says %q", lines)
		}
	}, rules(allowDeclined))
}

// A sign-out that could not be told at first is one event, and takes one from
// the meter, however often it is repeated.
func TestRepeatedLogoutCountsOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *town) {
		b := w.browser("alice")
		b.open("/")
		w.ledger.failTell(ledger.ErrUnavailable)
		for range 15 {
			b.form("/_wechat/logout", nil)
		}
		w.ledger.failTell(nil)
		if h := b.form("/_wechat/logout", nil); h.status != http.StatusOK {
			t.Errorf("%d", h.status)
		}
		if n := w.toldOf(ledger.LoggedOut); n != 1 {
			t.Errorf("%d logged_out events, want 1", n)
		}
	}, scope(wechat.ScopeBase))
}

// at has the requests of a town come from an address.
func at(address *string) func(*town) {
	return func(w *town) { w.from = func() string { return *address } }
}

// Attack: anonymous refusals without end: reports of apps, and states without a
// code at WeChat's QR page. A network has its share, and all together have one.
func TestAttackAnonymousRefusalsWithoutEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		setup  func(*town)
		refuse func(w *town)
	}{
		"app": {doors, func(w *town) {
			w.client("alice").ask(http.MethodPost, "/_wechat/mobile-app/app/declined", `{"code":-4}`)
		}},
		"website": {website, func(w *town) {
			b := w.desktop("alice")
			u, err := url.Parse(b.send(http.MethodGet, "/x", "").location())
			if err != nil {
				w.t.Fatal(err)
			}
			b.send(http.MethodGet, u.Query().Get("redirect_uri")+"?state="+u.Query().Get("state"), "")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := "203.0.113.1"
			inBubble(t, func(t *testing.T, w *town) {
				from := func(addresses ...string) int {
					for _, address = range addresses {
						for range 15 {
							c.refuse(w)
						}
					}
					return w.toldOf(ledger.Declined)
				}
				if n := from("203.0.113.1", "203.0.113.250"); n != 10 {
					t.Errorf("%d events of one network, want 10", n)
				}
				if n := from("2001:db8:0:100::1", "2001:db8:0:1ff::1"); n != 10 {
					t.Errorf("%d events of one IPv6 network, want 10", n)
				}
				if n := from("203.0.114.1"); n != 10 {
					t.Errorf("%d events of another network, want 10", n)
				}
				var many []string
				for i := range 10 {
					many = append(many, fmt.Sprintf("198.51.%d.1", i))
				}
				if n := from(many...); n != 30 {
					t.Errorf("%d events of ten networks more, want 30", n)
				}
			}, c.setup, at(&address))
		})
	}
}
