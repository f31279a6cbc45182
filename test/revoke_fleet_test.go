//go:build fleet

package test

import (
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/internal/wechattest"
)

// A person withdraws on the phone, and WeChat tells one of two gateways: on
// both of them the next request is a new dance and everything open is closed
// within a second, the record has no profile, and the business system is told
// once.
func TestFleetRevokedIsGoneEverywhere(t *testing.T) {
	f := newFleet(t)
	crm := newBusiness(t)
	server := redistest.Standalone(t, redistest.Options{})
	f.both(fleetConfig{store: f.redisStore(server, redistest.Options{}), account: pushAccount, global: webhookTo(crm.URL)})
	f.hear()
	for _, g := range f.gateways() {
		pushesTo(t, f.wechat, "http://"+g.shop+"/_wechat/push/shop", wechattest.PushSafe)
		t.Run("told "+g.name, func(t *testing.T) {
			v := f.visitor("ming", f.a)
			a := v.signIn(shopSite + "/")
			user := a.told()["X-Wechat-User"]
			if user == "" {
				t.Fatalf("not signed in: %s %.300s", a.Status, a.body)
			}
			before := len(crm.heard("revoked"))
			var open []*openAnswer
			for _, g := range f.gateways() {
				open = append(open, v.holdOpen(t, "shop.test", g.transport.DialContext)...)
			}
			time.Sleep(openForAWhile)
			since := time.Now()
			press(t, f.sim.URL, "withdraw", "person", "ming", "account", appID)
			for _, g := range f.gateways() {
				soon(t, g.name+" refuses the next request", goneWithin-time.Since(since), func() bool {
					return v.on(g).script(shopSite+"/page").StatusCode == http.StatusUnauthorized
				})
				t.Logf("%s refuses after %v", g.name, time.Since(since).Round(time.Millisecond))
			}
			allClosed(t, open, since, goneWithin)
			soon(t, "the business system is told", 10*time.Second, func() bool { return len(crm.heard("revoked")) > before })
			for _, g := range f.gateways() {
				f.noProfile(t, g, user)
				if a := v.on(g).open(shopSite + "/page"); attribute(a.body, `href="(/_wechat/login[^"]*)"`) == "" {
					t.Errorf("%s does not ask for consent: %s %.300s", g.name, a.Status, a.body)
				}
			}
			time.Sleep(300 * time.Millisecond) // for one too many
			if all := crm.heard("revoked"); len(all) != before+1 || all[before].Data.User != user || crm.forgeries() != 0 {
				t.Errorf("the business system heard %v", all)
			}
		})
	}
}

// noProfile looks at the record of a person through the admin endpoint.
func (f *fleet) noProfile(t *testing.T, g *gatewayProcess, user string) {
	t.Helper()
	_, all := outside(t, http.MethodGet, "http://"+g.admin+"/wechat/ledger", "")
	person := lineOf(t, all, `"id":"`+user+`"`)
	for _, word := range []string{"nickname", "avatar", "小明", "consent_at"} {
		if strings.Contains(person, word) {
			t.Errorf("%s still has %s: %s", g.name, word, person)
		}
	}
}

// The business system is down when a person withdraws, and the gateway is
// killed before it comes back: it is told all the same, under one id.
func TestFleetWebhookSurvivesTheGateway(t *testing.T) {
	for _, test := range []struct {
		name     string
		store    func(f *fleet) string
		patience time.Duration // the pause after a failed attempt; with Redis, until a dead sender's lease ends
	}{
		{"local", func(f *fleet) string { return "local " + filepath.Join(f.a.folder, "ledger") }, 10 * time.Second},
		{"redis", func(f *fleet) string {
			return f.redisStore(redistest.Standalone(f.t, redistest.Options{}), redistest.Options{})
		}, 45 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFleet(t)
			crm := newBusiness(t)
			f.a = f.prepare("A")
			c := fleetConfig{store: test.store(f), account: pushAccount, global: webhookTo(crm.URL)}
			f.a.start(c)
			pushesTo(t, f.wechat, "http://"+f.a.shop+"/_wechat/push/shop", wechattest.PushSafe)
			user := f.visitor("ming", f.a).signIn(shopSite + "/").told()["X-Wechat-User"]
			soon(t, "the sign-in is heard of", 10*time.Second, func() bool { return len(crm.heard()) == 3 })
			crm.setDown(true)
			if pushed, err := f.wechat.PushRevoke("ming", appID); err != nil || !pushed.Accepted {
				t.Fatalf("%+v %v", pushed, err)
			}
			soon(t, "the business system is called in vain", 5*time.Second, func() bool { return crm.attempts() > 0 })
			soon(t, "the operator sees that it waits", 5*time.Second, func() bool {
				return strings.Contains(f.a.wechat("webhooks", "list"), "crm\t1\t0")
			})
			f.a.kill(t)
			crm.setDown(false)
			time.Sleep(500 * time.Millisecond)
			if n := crm.heard("revoked"); len(n) != 0 {
				t.Fatalf("nobody could have said %v", n)
			}
			f.a.start(c)
			since := time.Now()
			n := crm.once(t, "revoked", user, test.patience)
			t.Logf("told %v after the restart, after %d calls in vain", n.At.Sub(since).Round(time.Millisecond), crm.attempts())
			f.noProfile(t, f.a, user)
			// Killed at any time, it says nothing a second time.
			f.a.kill(t)
			f.a.start(c)
			time.Sleep(2 * time.Second)
			crm.once(t, "revoked", user, 0)
		})
	}
}

// kill ends a gateway as a power cut would.
func (g *gatewayProcess) kill(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(-g.run.command.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-g.run.ended
}
