package gate_test

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

func snapshotGuest(r *site.Rules) { r.SnapshotGuest = true }

// virtual is WeChat's answer for a virtual visitor (wechat-protocol A6).
const virtual = `{"access_token":"virtual-access-token","expires_in":7200,"refresh_token":"virtual-refresh-token",` +
	`"openid":"oVirtual00000000000000000000","scope":"snsapi_base","is_snapshotuser":1,"unionid":"oVirtualUnion000000000000000"}`

// nobodyNew fails if the ledger knows the virtual visitor.
func nobodyNew(t *testing.T, w *town, openIDs ...string) {
	t.Helper()
	for _, id := range append(openIDs, "oVirtual00000000000000000000") {
		if _, err := w.ledger.FindOpenID(t.Context(), shopApp, id); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("a virtual openid is in the ledger: %v", err)
		}
	}
	if _, err := w.ledger.FindUnionID(t.Context(), "oVirtualUnion000000000000000"); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("a virtual unionid is in the ledger: %v", err)
	}
}

func TestSnapshotPage(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.weChat.answer(virtual)
	b := w.browser("alice")
	v := b.open("/x?y")
	page := v.last()
	if page.kind() != "snapshot" || page.status != http.StatusOK || len(v.scopes()) != 1 {
		t.Fatalf("%d %q%s", page.status, page.kind(), v)
	}
	if b.session() != "" || w.passed.Load() != 0 {
		t.Error("a virtual visitor has a session")
	}
	// The client loads the page again: the same answer, no code spent again.
	calls := w.weChat.CountCalls(exchangePath)
	if again := b.open(page.url).last(); again.kind() != "snapshot" || w.weChat.CountCalls(exchangePath) != calls {
		t.Errorf("again: %q", again.kind())
	}
	nobodyNew(t, w)
	// 使用完整服务: the same flow comes back with a real code.
	w.weChat.answer("")
	flow, state := parts(t, page.url)
	real := b.open(flow + "?code=" + w.weChat.IssueCode("alice", shopApp, base) + "&state=" + state).last()
	if real.kind() != "consent" || real.url != shop+"/x?y" || b.session() == "" {
		t.Errorf("after 使用完整服务: %s %q", real.url, real.kind())
	}
}

// The simulator's snapshot: it strikes when consent is asked.
func TestSnapshotAtConsent(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	b := w.browser("alice")
	if err := w.weChat.UpdatePerson(wechattest.Person{ID: "alice", Nickname: "小明", InSnapshot: true}); err != nil {
		t.Fatal(err)
	}
	page := b.consents("/x").last()
	if page.kind() != "snapshot" || page.button() != "/_wechat/login?return_to=%2Fx&scope=snsapi_userinfo" {
		t.Fatalf("%d %q leads to %s", page.status, page.kind(), page.button())
	}
	nobodyNew(t, w, w.weChat.VirtualOpenID("alice", shopApp))
	person, err := w.ledger.FindOpenID(t.Context(), shopApp, w.weChat.OpenID("alice", shopApp))
	if err != nil || person.Consented(shopApp) || person.UnionID != "" {
		t.Errorf("the real person took something of the virtual one: %v", err)
	}
	if err := w.weChat.LeaveSnapshot("alice"); err != nil {
		t.Fatal(err)
	}
	done := b.decide(b.open(page.button()).last(), "allow").last()
	if done.url != shop+"/x" || done.upstream().Header.Get("X-Wechat-Scope") != userinfo {
		t.Errorf("after 使用完整服务: %s", done.url)
	}
}

func TestSnapshotGuest(t *testing.T) {
	t.Parallel()
	w := newTown(t, rules(snapshotGuest))
	w.weChat.answer(virtual)
	b := w.browser("alice")
	v := b.open("/x?y")
	got := v.last().upstream().Header
	if v.last().url != shop+"/x?y" || len(v.scopes()) != 1 {
		t.Errorf("%s", v)
	}
	if got.Get("X-Wechat-Snapshot") != "1" || got.Get("X-Wechat-App-Id") != shopApp {
		t.Errorf("headers %v", got)
	}
	for _, name := range []string{"X-Wechat-User", "X-Wechat-Openid", "X-Wechat-Unionid", "X-Wechat-Nickname", "X-Wechat-Scope"} {
		if _, there := got[name]; there {
			t.Errorf("%s of a virtual visitor", name)
		}
	}
	if b.script(http.MethodGet, "/api").upstream().Header.Get("X-Wechat-Snapshot") != "1" {
		t.Error("the guest's script reads nothing")
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, "PROPFIND"} {
		passed := w.passed.Load()
		if h := b.script(method, "/api"); h.status != http.StatusForbidden || h.json().Error != "snapshot_read_only" || w.passed.Load() != passed {
			t.Errorf("%s: %d %s", method, h.status, h.body)
		}
	}
	if h := b.script(http.MethodGet, "/api", "Upgrade", "websocket", "Connection", "Upgrade"); h.status != http.StatusForbidden {
		t.Errorf("a socket, which can carry anything: %d", h.status)
	}
	if user := b.script(http.MethodGet, "/_wechat/session").json().User; user["snapshot"] != true || user["openid"] != nil || user["id"] != nil {
		t.Errorf("session: %v", user)
	}
	nobodyNew(t, w)
	// Leaving the snapshot signs in as usual.
	w.weChat.answer("")
	if done := b.open("/_wechat/login?return_to=/x").last(); done.kind() != "consent" {
		t.Errorf("after 使用完整服务: %d %q", done.status, done.kind())
	}
	if got := b.script(http.MethodGet, "/_wechat/session").json().User; got["openid"] != w.weChat.OpenID("alice", shopApp) {
		t.Errorf("session: %v", got)
	}
}

func TestSnapshotGuestIsShort(t *testing.T) {
	t.Parallel()
	c := newWeChat(t)
	synctest.Test(t, func(t *testing.T) {
		w := newTownWith(t, c, rules(snapshotGuest), func(w *town) { w.inside = true })
		w.weChat.answer(virtual)
		b := w.browser("alice")
		v := b.open("/")
		windowOnly := regexp.MustCompile(`^__Host-wechat=[^;]+; Path=/; HttpOnly; SameSite=Lax; Secure$`)
		if lines := v[2].header["Set-Cookie"]; !slices.ContainsFunc(lines, windowOnly.MatchString) {
			t.Errorf("a guest's cookie outlives the window: %q", lines)
		}
		for range 9 {
			time.Sleep(time.Minute)
			if h := b.open("/").last(); len(h.header["Set-Cookie"]) != 0 {
				t.Errorf("renewed: %q", h.header["Set-Cookie"])
			}
		}
		time.Sleep(time.Minute)
		if len(b.open("/").scopes()) != 1 {
			t.Error("a guest stays for more than ten minutes")
		}
	})
}

// A guest's session from when guests were allowed is nobody's now.
func TestSnapshotGuestWhereNoLongerAllowed(t *testing.T) {
	t.Parallel()
	w := newTown(t, rules(snapshotGuest))
	w.weChat.answer(virtual)
	b := w.browser("alice")
	b.open("/").last().upstream()
	w.gate.Rules.SnapshotGuest = false
	if h := b.script(http.MethodGet, "/"); h.status != http.StatusUnauthorized {
		t.Errorf("a guest passes: %d", h.status)
	}
	if h := b.script(http.MethodGet, "/_wechat/session"); h.status != http.StatusUnauthorized {
		t.Errorf("session: %d %s", h.status, h.body)
	}
	if kind := b.open("/").last().kind(); kind != "snapshot" {
		t.Errorf("page %q", kind)
	}
}

func TestSnapshotOnAnOptionalPath(t *testing.T) {
	t.Parallel()
	for _, guest := range []bool{false, true} {
		w := newTown(t, scope(wechat.ScopeBase), func(w *town) {
			w.access["/"] = site.Optional
			w.gate.Rules.SnapshotGuest = guest
		})
		w.weChat.answer(virtual)
		b := w.browser("alice")
		if v := b.open("/"); len(v.scopes()) != 1 || v.last().upstream().Header.Get("X-Wechat-Openid") != "" || b.session() != "" {
			t.Errorf("guest %t: %s", guest, v)
		}
		nobodyNew(t, w)
	}
}
