package gate_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/internal/wechattest"
	"github.com/caddy-wechat/gateway/session"
)

// WeChat sends a callback twice (wechat-protocol J1).
func TestDoubleCallback(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	b := w.browser("alice")
	callback := b.until("/x?y")
	first := b.send(http.MethodGet, callback, "")
	b.plant("/", "__Host-wechat", "lost") // the second hit left before the first one's answer came
	second := b.send(http.MethodGet, callback, "")
	for i, h := range []hop{first, second} {
		if h.status != http.StatusSeeOther || h.location() != shop+"/x?y" {
			t.Errorf("hit %d: %d %s", i, h.status, h.location())
		}
	}
	// Up to the age, which may differ by a second.
	one, _, _ := strings.Cut(first.header.Get("Set-Cookie"), ";")
	if two, _, _ := strings.Cut(second.header.Get("Set-Cookie"), ";"); one != two || !strings.HasPrefix(one, "__Host-wechat=") {
		t.Error("two hits, two sessions")
	}
	if n := w.weChat.CountCalls(exchangePath); n != 1 {
		t.Errorf("%d codes spent", n)
	}
}

func TestDoubleCallbackAtOnceWithTwoCodes(t *testing.T) {
	t.Parallel()
	for _, codes := range []int{1, 2} {
		w := newTown(t, scope(wechat.ScopeBase))
		b := w.browser("alice")
		callback := b.until("/x")
		flow, state := parts(t, callback)
		addresses := []string{callback, callback}
		if codes == 2 {
			addresses[1] = flow + "?code=" + w.weChat.IssueCode("alice", shopApp, base) + "&state=" + state
		}
		var wg sync.WaitGroup
		hops := make([]hop, 8)
		for i := range hops {
			wg.Go(func() { hops[i] = b.send(http.MethodGet, addresses[i%2], "") })
		}
		wg.Wait()
		for i, h := range hops {
			if h.status != http.StatusSeeOther || h.location() != shop+"/x" {
				t.Errorf("%d codes, hit %d: %d %q", codes, i, h.status, h.kind())
			}
		}
		if n, saved := w.weChat.CountCalls(exchangePath), w.store.count(&w.store.saves); n != 1 || saved != 1 {
			t.Errorf("%d codes: %d spent, %d sessions", codes, n, saved)
		}
	}
}

// WeChat's own servers fetch the address again, from elsewhere, without cookies
// and with a User-Agent that looks genuine (wechat-protocol J2).
func TestReplayWithoutCookiesSpendsNothing(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	callback := w.browser("alice").until("/x")
	crawler := w.browser("carol")
	crawler.client.Jar = nil
	for range 3 {
		h := crawler.send(http.MethodGet, callback, "")
		if h.status != http.StatusFound || strings.Contains(strings.Join(h.header["Set-Cookie"], ""), "__Host-wechat=") {
			t.Errorf("%d %v", h.status, h.header)
		}
	}
	if h := crawler.script(http.MethodGet, callback); h.status != http.StatusUnauthorized {
		t.Errorf("a crawler that takes anything: %d", h.status)
	}
	if n := w.weChat.CountCalls(exchangePath); n != 0 {
		t.Errorf("%d codes spent", n)
	}
}

// A shared callback address signs the other person in, as themselves
// (wechat-protocol J4).
func TestSharedCallback(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	callback := w.browser("alice").until("/x?y")
	got := w.browser("carol").open(callback).last()
	if got.url != shop+"/x?y" || got.upstream().Header.Get("X-Wechat-Openid") != w.weChat.OpenID("carol", shopApp) {
		t.Errorf("%s: %v", got.url, got.upstream().Header)
	}
	for _, call := range w.weChat.Calls() {
		if call.Errcode != 0 {
			t.Errorf("a code that was not theirs was tried: %d", call.Errcode)
		}
	}
}

func TestLostBindingCookie(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	b := w.browser("alice")
	b.keep = func(name string) bool { return name != "__Secure-wechat-flow" }
	v := b.open("/x?y")
	if n := len(v.scopes()); n != 3 || v.last().kind() != "try_again" || v.last().button() != "/_wechat/login?return_to=%2Fx%3Fy" {
		t.Errorf("%d dances, then %d %q%s", n, v.last().status, v.last().kind(), v)
	}
	if n := w.weChat.CountCalls(exchangePath); n != 0 {
		t.Errorf("%d codes spent", n)
	}
	// Lost once: nobody notices, and the target is not lost.
	lost := false
	b.keep = func(name string) bool {
		once := name == "__Secure-wechat-flow" && !lost
		lost = lost || once
		return !once
	}
	if got := b.open("/x?y").last(); got.url != shop+"/x?y" || got.upstream().Header.Get("X-Wechat-Openid") == "" {
		t.Errorf("lost once: %s", got.url)
	}
}

// A session cookie that never sticks: a page says so, and no endless redirect.
func TestLostSessionCookie(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	b := w.browser("alice")
	b.keep = func(name string) bool { return name != "__Host-wechat" }
	v := b.open("/x")
	if n := len(v.scopes()); n != 3 || v.last().kind() != "cookies_off" || v.last().status != http.StatusBadRequest {
		t.Errorf("%d dances, then %d %q%s", n, v.last().status, v.last().kind(), v)
	}
	if len(w.log.lines("does not keep the session cookie")) != 1 {
		t.Error("the operator does not hear of it")
	}
	b.keep = func(string) bool { return false }
	if v := b.open("/x"); v.last().kind() != "cookies_off" && v.last().kind() != "try_again" {
		t.Errorf("no cookies at all: %d %q", v.last().status, v.last().kind())
	}
}

// Back leads to the callback again (wechat-protocol J3).
func TestBackAfterSignIn(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	b := w.browser("alice")
	callback := b.until("/x?y")
	b.open(callback)
	session, calls := b.session(), w.weChat.CountCalls(exchangePath)
	w.hub.Memory = new(site.Memory) // long after
	h := b.send(http.MethodGet, callback, "")
	if h.status != http.StatusSeeOther || h.location() != shop+"/x?y" || len(h.header["Set-Cookie"]) != 0 {
		t.Errorf("%d %s %q", h.status, h.location(), h.header["Set-Cookie"])
	}
	if b.session() != session || w.weChat.CountCalls(exchangePath) != calls {
		t.Error("Back signed in anew")
	}
}

// Back after signing out: the old code is worth nothing, the visitor is asked
// again, and no error is shown.
func TestBackAfterLogout(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	b := w.browser("alice")
	callback := b.until("/x?y")
	b.open(callback)
	before := b.session()
	b.form("/_wechat/logout", nil)
	v := b.open(callback)
	if v[0].status != http.StatusFound || strings.Contains(strings.Join(v[0].header["Set-Cookie"], ""), "__Host-wechat=") {
		t.Errorf("the ended session is handed out again: %d %q", v[0].status, v[0].header["Set-Cookie"])
	}
	if v.last().url != shop+"/x?y" || len(v.scopes()) != 1 || b.session() == before || b.session() == "" {
		t.Errorf("%s", v)
	}
}

// A key that is gone: cookies and flows of before are nothing, not an error
// (attack 44: an undecodable cookie that fails for ever).
func TestAttack44KeyThatIsGone(t *testing.T) {
	t.Parallel()
	w := newTown(t, scope(wechat.ScopeBase))
	b := w.browser("alice")
	callback := b.until("/x")
	b.open("/")
	ring, err := session.NewRing("another-key-another-key-another-key-another-key")
	if err != nil {
		t.Fatal(err)
	}
	w.reload()
	w.hub.Keys = ring
	w.store.Store = session.Sealed{Keys: ring, Tombstones: w.ledger}
	if h := b.script(http.MethodGet, "/_wechat/session"); h.status != http.StatusUnauthorized {
		t.Errorf("the old session: %d", h.status)
	}
	calls := w.weChat.CountCalls(exchangePath)
	h := b.send(http.MethodGet, callback, "")
	if h.status != http.StatusFound || w.weChat.CountCalls(exchangePath) != calls {
		t.Errorf("the old flow: %d %q", h.status, h.kind())
	}
	b.open(h.location()).last().upstream()
	// Signed in again, the old address leads to the front page at once.
	if h := b.send(http.MethodGet, callback, ""); h.status != http.StatusSeeOther || h.location() != shop+"/" {
		t.Errorf("the old flow of a signed-in visitor: %d %s", h.status, h.location())
	}
}

func TestFlowThatTookTooLong(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, scope(wechat.ScopeBase), func(w *town) { w.inside = true })
		b := w.browser("alice")
		callback := b.until("/x?y")
		u, err := url.Parse(callback)
		if err != nil {
			t.Fatal(err)
		}
		binding := b.cookies(u.Path)["__Secure-wechat-flow"]
		time.Sleep(11 * time.Minute)
		if late := b.cookies(u.Path)["__Secure-wechat-flow"]; binding == "" || late != "" {
			t.Errorf("the binding cookie was %q and is %q", binding, late)
		}
		b.plant(flowDir(u), "__Secure-wechat-flow", binding) // a browser that keeps it for longer
		v := b.open(callback)
		if v.last().url != shop+"/x?y" || len(v.scopes()) != 1 || w.weChat.CountCalls(exchangePath) != 1 {
			t.Errorf("%s", v)
		}
	})
}

func TestExtrasOfTheCallback(t *testing.T) {
	t.Parallel()
	for name, quirks := range map[string]wechattest.Quirks{
		"a state before ours": {SecondState: wechattest.Knob{On: true}},
		"shared":              {ExtraQuery: wechattest.Knob{On: true}},
		"numbers as strings":  {NumbersAsStrings: wechattest.Knob{On: true}},
	} {
		w := newTown(t, scope(wechat.ScopeBase))
		if err := w.weChat.SetQuirks(quirks); err != nil {
			t.Fatal(err)
		}
		if v := w.browser("alice").open("/x"); v.last().url != shop+"/x" || len(v.scopes()) != 1 {
			t.Errorf("%s: %s", name, v)
		}
	}
}
