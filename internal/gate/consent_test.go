package gate_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

func allowDeclined(r *site.Rules)   { r.AllowDeclined = true }
func consentRedirect(r *site.Rules) { r.ConsentRedirect = true }

// stepUp asks for consent below /account only.
func stepUp(w *town) {
	w.gate.Rules.Scope = wechat.ScopeBase
	w.need["/account"] = wechat.ScopeUserInfo
}

func TestStepUpOnOnePath(t *testing.T) {
	t.Parallel()
	w := newTown(t, stepUp)
	b := w.browser("alice")
	b.open("/").last().upstream()
	page := b.open("/account?x=1").last()
	if page.kind() != "consent" {
		t.Fatalf("%d %q", page.status, page.kind())
	}
	if got := b.open("/").last().upstream().Header.Get("X-Wechat-Scope"); got != base {
		t.Errorf("the rest of the site asks too: %q", got)
	}
	script := b.script(http.MethodGet, "/account", "Referer", shop+"/account?tab=2").json()
	if want := shop + "/_wechat/login?return_to=%2Faccount%3Ftab%3D2&scope=snsapi_userinfo"; script.Error != "consent_required" || script.RedirectURL != want {
		t.Errorf("a script hears %+v", script)
	}
	done := b.decide(b.open(page.button()).last(), "allow").last()
	if done.url != shop+"/account?x=1" || done.upstream().Header.Get("X-Wechat-Scope") != userinfo {
		t.Errorf("back at %s", done.url)
	}
	if got := b.open("/").last().upstream().Header.Get("X-Wechat-Scope"); got != userinfo {
		t.Errorf("on the rest of the site: %q", got)
	}
}

func TestStepUpNeedsASignInFirst(t *testing.T) {
	t.Parallel()
	w := newTown(t, stepUp)
	if v := w.browser("alice").open("/account"); !slices.Equal(v.scopes(), []string{base}) || v.last().kind() != "consent" {
		t.Errorf("asked for %v, then %q", v.scopes(), v.last().kind())
	}
}

func TestDecline(t *testing.T) {
	t.Parallel()
	w := newTown(t, rules(allowDeclined))
	b := w.browser("alice")
	page := b.open("/x?y=1").last()
	if action := declineForm.FindStringSubmatch(page.body); action == nil || action[1] != "/_wechat/decline" || action[2] != "/x?y=1" {
		t.Fatalf("no button to decline: %v", action)
	}
	before := b.session()
	declined := b.form("/_wechat/decline", url.Values{"return_to": {"/x?y=1"}})
	if declined.status != http.StatusSeeOther || declined.location() != shop+"/x?y=1" {
		t.Fatalf("%d %s", declined.status, declined.location())
	}
	if b.session() == before {
		t.Error("the decline was not noted")
	}
	got := b.open(declined.location()).last().upstream().Header
	if got.Get("X-Wechat-Openid") != w.weChat.OpenID("alice", shopApp) || got.Get("X-Wechat-Scope") != base || got.Get("X-Wechat-Nickname") != "" {
		t.Errorf("headers %v", got)
	}
	if b.script(http.MethodGet, "/api").upstream().Header.Get("X-Wechat-User") == "" {
		t.Error("scripts are still turned away")
	}
	// Who has declined can still change their mind by hand.
	done := b.decide(b.open("/_wechat/login?return_to=/x&scope=snsapi_userinfo").last(), "allow").last()
	if done.upstream().Header.Get("X-Wechat-Scope") != userinfo {
		t.Error("no way back from a decline")
	}
}

func TestDeclineIsAskedAgainAfterADay(t *testing.T) {
	t.Parallel()
	c := newWeChat(t) // outside: a server waits for its network, not for a clock
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, rules(allowDeclined), func(w *town) { w.inside = true })
		b := w.browser("alice")
		b.open("/")
		b.form("/_wechat/decline", url.Values{"return_to": {"/"}})
		time.Sleep(23*time.Hour + 59*time.Minute)
		b.open("/").last().upstream()
		time.Sleep(2 * time.Minute)
		if kind := b.open("/").last().kind(); kind != "consent" {
			t.Errorf("after a day: %q", kind)
		}
	})
}

func TestDeclineHolds(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, rules(allowDeclined), func(w *town) { w.inside, w.gate.Rules.DeclineHolds = true, 2*time.Hour })
		b := w.browser("alice")
		b.open("/")
		b.form("/_wechat/decline", url.Values{"return_to": {"/"}})
		time.Sleep(2*time.Hour - time.Minute)
		b.open("/").last().upstream()
		time.Sleep(2 * time.Minute)
		if kind := b.open("/").last().kind(); kind != "consent" {
			t.Errorf("after two hours: %q", kind)
		}
	})
}

func TestDeclineOffersNothingWhereNotAllowed(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	b := w.browser("alice")
	page := b.open("/").last()
	if declineForm.MatchString(page.body) {
		t.Error("there is a button to decline")
	}
	saves := w.store.count(&w.store.saves)
	if h := b.form("/_wechat/decline", url.Values{"return_to": {"/"}}); h.status != http.StatusSeeOther || w.store.count(&w.store.saves) != saves {
		t.Errorf("%d: the decline was noted all the same", h.status)
	}
	if kind := b.open("/").last().kind(); kind != "consent" {
		t.Errorf("a forged decline passes: %q", kind)
	}
}

func TestDeclineOfNobody(t *testing.T) {
	t.Parallel()
	w := newTown(t, rules(allowDeclined))
	b := w.browser("alice")
	if h := b.form("/_wechat/decline", url.Values{"return_to": {"//evil.example"}}); h.location() != shop+"/" || len(h.header["Set-Cookie"]) != 0 {
		t.Errorf("%d %s %q", h.status, h.location(), h.header["Set-Cookie"])
	}
}

// Refused on WeChat's own page: today nothing comes back, so Back must make
// sense; old clients come back without a code.
func TestRefusedAtWeChat(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*site.Rules)
		want   string // page, "" for the upstream
	}{
		{"page", func(*site.Rules) {}, "consent"},
		{"page, declined allowed", allowDeclined, ""},
		{"redirect", consentRedirect, "try_again"}, // the target would lead straight to WeChat, and so on for ever
		{"redirect, declined allowed", func(r *site.Rules) { consentRedirect(r); allowDeclined(r) }, ""},
	} {
		w := newTown(t, rules(c.change))
		if err := w.weChat.SetQuirks(wechattest.Quirks{OldRefusal: wechattest.Knob{On: true}}); err != nil {
			t.Fatal(err)
		}
		b := w.browser("alice")
		asked := b.open("/x").last()
		if asked.kind() == "consent" {
			asked = b.open(asked.button()).last()
		}
		got := b.decide(asked, "refuse").last()
		if got.kind() != c.want {
			t.Errorf("%s: %d %q", c.name, got.status, got.kind())
		}
		if c.want == "" && got.upstream().Header.Get("X-Wechat-Scope") != base {
			t.Errorf("%s: scope %q", c.name, got.upstream().Header.Get("X-Wechat-Scope"))
		}
		if n := w.weChat.CountCalls(exchangePath); n != 1 {
			t.Errorf("%s: %d codes spent", c.name, n)
		}
		if b.session() == "" {
			t.Errorf("%s: the visitor was signed out", c.name)
		}
	}
}

// A refusal comes back without a code, with an empty one, or with one that says
// so. None of them is spent.
func TestRefusalsThatComeBack(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"", "code=&", "code=authdeny&", "code=authdeny&code=authdeny&"} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, rules(allowDeclined), crm)
			b := w.browser("alice")
			flow, state := parts(t, b.until("/x"))
			if h := b.send(http.MethodGet, flow+"?"+query+"state="+state, ""); h.kind() != "try_again" || h.button() != "/_wechat/login?return_to=%2Fx" {
				t.Errorf("a stranger's: %d %q", h.status, h.kind())
			}
			page := b.open("/x").last()
			w.told() // the sign-in
			spent := w.weChat.CountCalls(exchangePath)
			flow, state = parts(t, begunAt(b.send(http.MethodGet, page.button(), "")))
			h := b.send(http.MethodGet, flow+"?"+query+"state="+state, "")
			if h.status != http.StatusSeeOther || h.location() != shop+"/x" {
				t.Errorf("at the second step: %d %q %s", h.status, h.kind(), h.location())
			}
			if got := b.open("/x").last().upstream().Header.Get("X-Wechat-Scope"); got != base {
				t.Errorf("the refusal is not remembered: scope %q", got)
			}
			if events := w.told(); len(events) != 1 || events[0].Kind != ledger.Declined || events[0].Reason != "wechat" {
				t.Errorf("events %+v", events)
			}
			if n := w.weChat.CountCalls(exchangePath); n != spent {
				t.Errorf("%d codes spent", n-spent)
			}
		})
	}
	// One beside a real code is somebody's play.
	w := newTown(t, scope(wechat.ScopeBase))
	b := w.browser("alice")
	flow, state := parts(t, b.until("/x"))
	for _, query := range []string{"code=authdeny&code=x&", "code=x&code=authdeny&", "code=x&code=&"} {
		if h := b.send(http.MethodGet, flow+"?"+query+"state="+state, ""); h.status != http.StatusFound {
			t.Errorf("%s: %d %q", query, h.status, h.kind())
		}
	}
	if n := w.weChat.CountCalls(exchangePath); n != 0 {
		t.Errorf("%d codes spent", n)
	}
}

// begunAt is the callback address in a redirect to WeChat, with its state.
func begunAt(h hop) string {
	u, err := url.Parse(h.location())
	if err != nil {
		h.t.Fatal(err)
	}
	return u.Query().Get("redirect_uri") + "?state=" + u.Query().Get("state")
}

func TestRefusedByNobodyShowsAPage(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	b := w.browser("alice")
	callback, err := url.Parse(b.until("/x"))
	if err != nil {
		t.Fatal(err)
	}
	callback.RawQuery = url.Values{"state": callback.Query()["state"]}.Encode()
	h := b.open(callback.String()).last()
	if h.kind() != "try_again" || h.button() != "/_wechat/login?return_to=%2Fx" || w.weChat.CountCalls(exchangePath) != 0 {
		t.Errorf("%d %q leads to %s", h.status, h.kind(), h.button())
	}
}

func TestWithdrawnConsentIsNotForgottenByUs(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	b := w.browser("alice")
	b.consents("/")
	w.weChat.Withdraw("alice", shopApp)
	b.open("/").last().upstream() // until WeChat tells us: its push, not ours to guess
	p, err := w.ledger.FindOpenID(context.Background(), shopApp, w.weChat.OpenID("alice", shopApp))
	if err != nil || !p.Consented(shopApp) {
		t.Errorf("%v", err)
	}
}
