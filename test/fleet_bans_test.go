//go:build fleet

package test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// wantNotAllowed opens a page of the shop, by way of WeChat where asked.
func (v *visitor) wantNotAllowed(t *testing.T, what string) {
	t.Helper()
	a := v.open(shopSite + "/page")
	if a.StatusCode != http.StatusForbidden || !strings.Contains(a.body, `<main class="not_allowed">`) || a.told() != nil {
		t.Errorf("%s: %s %.300s", what, a.Status, a.body)
	}
	if len(v.hops) > 4 {
		t.Errorf("%s: the browser went %v", what, v.hops)
	}
}

// A person is banned at one of two gateways. On both of them the sessions of the
// person, also a parallel one, and everything open have ended within a second. A
// sign-in ends with a page, after a restart and an erasure, too, until the ban
// is lifted at the other gateway. Another person notices nothing.
func TestFleetBannedIsOutEverywhere(t *testing.T) {
	f := newFleet(t)
	config := fleetConfig{store: f.redisStore(redistest.Standalone(t, redistest.Options{}), redistest.Options{})}
	f.both(config)
	f.hear()
	phone, tablet, other := f.visitor("ming", f.a), f.visitor("ming", f.b), f.visitor("hong", f.b)
	told := phone.signIn(shopSite + "/").told()
	user, openID := told["X-Wechat-User"], told["X-Wechat-Openid"]
	if user == "" || tablet.signIn(shopSite + "/").told()["X-Wechat-User"] != user || other.signIn(shopSite+"/").told() == nil {
		t.Fatal("not signed in")
	}
	var open []*openAnswer
	for _, g := range f.gateways() {
		open = append(open, phone.holdOpen(t, "shop.test", g.transport.DialContext)...)
		open = append(open, tablet.holdOpen(t, "shop.test", g.transport.DialContext)...)
	}
	time.Sleep(openForAWhile)
	if status, said := outside(t, http.MethodPost, "http://"+f.a.admin+"/wechat/persons/"+user+"/ban?reason=abuse", ""); status != http.StatusNoContent {
		t.Fatalf("ban: %d %s", status, said)
	}
	since := time.Now()
	for _, g := range f.gateways() {
		soon(t, g.name+" refuses both sessions", goneWithin-time.Since(since), func() bool {
			for _, v := range []*visitor{phone, tablet} {
				if a := v.on(g).script(shopSite + "/page"); a.StatusCode != http.StatusForbidden && a.StatusCode != http.StatusUnauthorized {
					return false
				}
			}
			return true
		})
		t.Logf("%s refuses after %v", g.name, time.Since(since).Round(time.Millisecond))
	}
	allClosed(t, open, since, goneWithin)
	out := func(when string) {
		t.Helper()
		for _, g := range f.gateways() {
			phone.on(g).wantNotAllowed(t, when+", on "+g.name)
			f.visitor("ming", g).wantNotAllowed(t, when+", a new browser on "+g.name)
			if a := other.on(g).script(shopSite + "/page"); a.told() == nil {
				t.Errorf("%s, another person on %s: %s", when, g.name, a.Status)
			}
		}
	}
	out("banned")
	f.b.kill(t)
	f.b.start(config)
	out("after a restart")
	f.b.wechat("persons", "erase", user, "--yes")
	out("after an erasure")
	for _, g := range f.gateways() {
		if said := g.wechat("persons", "bans"); !strings.Contains(said, "1 erased person is banned") || strings.Contains(said, user) {
			t.Errorf("%s lists %s", g.name, said)
		}
		if _, ledger := outside(t, http.MethodGet, "http://"+g.admin+"/wechat/ledger", ""); strings.Contains(ledger, openID) {
			t.Errorf("%s has the banned person in its ledger again: %s", g.name, ledger)
		}
	}
	f.b.wechat("persons", "unban", "--id", openID)
	for _, g := range f.gateways() {
		soon(t, g.name+" lets the person in", 5*time.Second, func() bool {
			return f.visitor("ming", g).signIn(shopSite + "/page").told()["X-Wechat-Openid"] == openID
		})
	}
}
