//go:build fleet

package test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// Reloads under load: an unrelated option every second, a rotation in one step,
// a change of the session's life, and a rotation in two steps while sessions
// are being renewed. Nobody is signed out, no dance is lost.
func TestFleetReloadsAndKeyRotations(t *testing.T) {
	f := newFleet(t)
	server := redistest.Standalone(t, redistest.Options{})
	c := fleetConfig{store: f.redisStore(server, redistest.Options{})}
	f.both(c)
	m := newMint(t, server.Client())
	l := f.startLoad(m.members(t, loadVisitors))

	l.phase("a reload every second for 10 s")
	for i := range 10 {
		c.auth = silentBase + fmt.Sprintf("\npublic /open/%d/*", i)
		begun := time.Now()
		f.reloadUnderWay(c)
		time.Sleep(time.Second - time.Since(begun))
	}

	l.phase("a new key in front, the old behind")
	c.keys = []string{"FLEET_KEY_NEW", "FLEET_KEY"}
	f.reloadUnderWay(c)
	time.Sleep(2 * time.Second)

	// The load sends everybody's cookie to both gateways, and renewals begin: a
	// key that one gateway does not have yet would show.
	l.phase("idle 1m: renewals all the time")
	c.session = "idle 1m"
	f.reloadUnderWay(c)
	time.Sleep(5 * time.Second)

	l.phase("a third key behind")
	c.keys = []string{"FLEET_KEY_NEW", "FLEET_KEY", "FLEET_KEY_3"}
	f.reloadUnderWay(c)
	time.Sleep(time.Second)
	l.phase("the third key in front")
	c.keys = []string{"FLEET_KEY_3", "FLEET_KEY_NEW", "FLEET_KEY"}
	f.reloadUnderWay(c)
	time.Sleep(8 * time.Second)
	l.end()
	l.keptPace(t)
	if renewed := l.phases[len(l.phases)-1].renewed; renewed < 100 {
		t.Errorf("only %d sessions were renewed with the new key", renewed)
	}
}

// Keys and times change while Redis hangs: nobody who was seen notices, not
// even at the third reload. A key that was taken away opens nothing from
// memory.
func TestFleetReloadsWhileRedisHangs(t *testing.T) {
	f := newFleet(t)
	server := redistest.Standalone(t, redistest.Options{})
	c := fleetConfig{store: f.redisStore(server, redistest.Options{})}
	f.both(c)
	m := newMint(t, server.Client())
	l := f.startLoad(m.members(t, loadVisitors))
	l.through(m, outage{name: "SIGSTOP for 12 s, and three reloads", begin: func() {
		server.Pause(0)
		c.keys = []string{"FLEET_KEY_NEW", "FLEET_KEY"}
		f.mustReload(c)
		c.session = "idle 2d"
		f.mustReload(c)
		c.keys = []string{"FLEET_KEY_3", "FLEET_KEY_NEW", "FLEET_KEY"}
		f.mustReload(c)
	}, lasts: 12 * time.Second, end: server.Resume})
	l.end()

	server.Pause(0)
	defer server.Resume()
	c.keys = []string{"FLEET_KEY_3"}
	f.mustReload(c)
	for _, g := range f.gateways() {
		if response, body, err := g.ask(l.members[0], false); err != nil || response.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s, with a cookie of a key that was taken away: %s", g.name, brief(response, body, err))
		}
	}
}

// travellers are people who are under way while something happens to the
// gateways.
type travellers struct {
	f                           *fleet
	atWeChat, spending, waiting *visitor
	callback                    string // of the one at WeChat
	work                        sync.WaitGroup
	spent, slow                 answer
}

// underWay sends people on their way: one is at WeChat, one's code is being
// spent, one's request is with the app.
func (f *fleet) underWay() *travellers {
	f.t.Helper()
	u := &travellers{f: f, atWeChat: f.visitor("ming", f.a), spending: f.visitor("hong", f.a), waiting: f.visitor("ming", f.b)}
	if a := u.waiting.signIn(shopSite + "/here"); a.told() == nil {
		f.t.Fatalf("no sign-in: %s %.200s", a.Status, a.body)
	}
	u.callback = f.beginDance(u.atWeChat, travelPage)
	held := f.beginDance(u.spending, travelPage)
	f.hold.close()
	f.slow.close()
	u.work.Go(func() { u.spent = u.spending.get(held) })
	u.work.Go(func() { u.slow = u.waiting.get(shopSite + "/slow") })
	f.await("a code being spent and a request at the app", func() bool { return f.hold.waiting.Load() == 1 && f.slow.waiting.Load() == 1 })
	return u
}

const travelPage = shopSite + "/base/under-way"

// goOn lets WeChat and the app answer.
func (u *travellers) goOn() {
	u.f.t.Helper()
	u.f.hold.open()
	u.f.slow.open()
	u.work.Wait()
	u.arrived("whose code was being spent", u.spent)
	if u.slow.told()["X-Wechat-User"] == "" {
		u.f.t.Errorf("a request that was with the app: %s %.200s", u.slow.Status, u.slow.body)
	}
}

// arrive brings the last one home, to the other gateway, and looks at all.
func (u *travellers) arrive() {
	u.f.t.Helper()
	u.arrived("back from WeChat, to the other gateway", u.atWeChat.on(u.f.b).get(u.callback))
	for _, g := range u.f.gateways() {
		for i, v := range []*visitor{u.atWeChat, u.spending, u.waiting} {
			if a := v.on(g).script(shopSite + "/base/after"); a.told() == nil {
				u.f.t.Errorf("afterwards, number %d on %s: %s", i, g.name, a.Status)
			}
		}
	}
}

func (u *travellers) arrived(who string, a answer) {
	u.f.t.Helper()
	if value, set := cookieOf(a.Response, "wechat"); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != travelPage || !set || value == "" {
		u.f.t.Errorf("a visitor %s: %s to %q, cookie %v: %.300s", who, a.Status, a.Header.Get("Location"), set, a.body)
	}
}

// reloadUnderWay reloads both gateways while people are under way.
func (f *fleet) reloadUnderWay(c fleetConfig) {
	f.t.Helper()
	u := f.underWay()
	f.mustReload(c)
	u.goOn()
	u.arrive()
}

// beginDance goes to WeChat and returns the address that calls back.
func (f *fleet) beginDance(v *visitor, page string) string {
	f.t.Helper()
	location, err := v.get(page).Location()
	if err != nil {
		f.t.Fatalf("no dance was begun: %v", err)
	}
	return f.callbackFrom(v, location.String())
}

// await waits for something that must come soon.
func (f *fleet) await(what string, ready func() bool) {
	f.t.Helper()
	for begun := time.Now(); !ready(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > 10*time.Second {
			f.t.Fatalf("waited in vain for %s", what)
		}
	}
}
