//go:build fleet

package test

import (
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// behindHAProxy is the fleet as visitors see it: both gateways are the
// balancer.
func (f *fleet) behindHAProxy() (*fleet, balancer) { return f.behindHAProxyThat(true) }

// behindHAProxyThat is the same; if asks is false, HAProxy only looks whether
// the gateways accept connections.
func (f *fleet) behindHAProxyThat(asks bool) (*fleet, balancer) {
	f.t.Helper()
	var without []string
	if !asks {
		without = []string{"option httpchk", "http-check"} // as docs/upgrade.md says
	}
	b := haproxyWithout(f.t, "shop.test", f.a.shop, f.b.shop, without...)
	front := &fleet{t: f.t, binary: f.binary, wechat: f.wechat, sim: f.sim, app: f.app, orders: f.orders, a: f.prepare("HAProxy, even"), b: f.prepare("HAProxy, odd")}
	front.a.shop, front.b.shop = b.address, b.address
	return front, b
}

// ready asks a gateway whether it is ready: 0 if it does not answer.
func (g *gatewayProcess) ready() (status int, body string, took time.Duration) {
	begun := time.Now()
	response, err := g.outside.Get("http://" + g.shop + "/_wechat/ready")
	if err != nil {
		return 0, err.Error(), time.Since(begun)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error(), time.Since(begun)
	}
	return response.StatusCode, string(text), time.Since(begun)
}

// awaitReady waits for a status of ready.
func (g *gatewayProcess) awaitReady(want int) {
	g.f.t.Helper()
	for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		status, body, _ := g.ready()
		if status == want {
			return
		}
		if time.Since(begun) > 20*time.Second {
			g.f.t.Fatalf("%s is %d %s, want %d", g.name, status, body, want)
		}
	}
}

// noneLost checks that no request had to be sent twice by a visitor.
func (l *load) noneLost() {
	l.f.t.Helper()
	for _, c := range l.phases {
		if c.again != 0 {
			l.f.t.Errorf("%s: %d requests were lost", c.phase, c.again)
		}
	}
}

// Two gateways behind HAProxy are restarted one after the other, under load: no
// request is lost, and nobody is signed out. While a gateway waits for its
// balancer, it says that it stops, and serves.
func TestFleetRollingRestart(t *testing.T) {
	f := newFleet(t)
	server := redistest.Standalone(t, redistest.Options{})
	c := fleetConfig{store: f.redisStore(server, redistest.Options{}), server: "shutdown_delay 6s\ngrace_period 30s"}
	f.both(c)
	front, _ := f.behindHAProxy()
	m := newMint(t, server.Client())
	l := front.startLoad(m.members(t, loadVisitors))
	for _, g := range f.gateways() {
		l.phase("gateway " + g.name + " is restarted")
		if err := g.run.command.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		g.awaitReady(http.StatusServiceUnavailable)
		if _, body, _ := g.ready(); !strings.Contains(body, `"error":"stopping"`) || !strings.Contains(body, `"store":"ok"`) {
			t.Errorf("%s, while it stops: %s", g.name, body)
		}
		if response, body, err := g.ask(l.members[0], true); err != nil || response.StatusCode != http.StatusOK {
			t.Errorf("%s does not serve while it stops: %s", g.name, brief(response, body, err))
		}
		select {
		case <-g.run.ended:
		case <-time.After(30 * time.Second):
			t.Fatalf("%s does not end", g.name)
		}
		g.start(c)
		g.awaitReady(http.StatusOK)
		time.Sleep(4 * time.Second) // HAProxy has seen it twice
	}
	l.phase("afterwards")
	time.Sleep(2 * time.Second)
	l.end()
	l.noneLost()
	l.keptPace(t)
}

// While Redis hangs, each gateway says soon that it is not ready, and the
// balancer goes on with those that are alive: visitors who were seen notice
// nothing.
func TestFleetBehindABalancerWhileRedisHangs(t *testing.T) {
	f := newFleet(t)
	server := redistest.Standalone(t, redistest.Options{})
	f.both(fleetConfig{store: f.redisStore(server, redistest.Options{})})
	front, b := f.behindHAProxy()
	m := newMint(t, server.Client())
	members := m.members(t, loadVisitors)
	l := front.startLoad(members)
	for _, g := range f.gateways() { // whichever serves them while Redis hangs knows them
		g.knows(members)
	}
	l.phase("Redis hangs for 12 s")
	server.Pause(0)
	begun := time.Now()
	for _, g := range f.gateways() {
		g.awaitReady(http.StatusServiceUnavailable)
	}
	t.Logf("not ready %v after Redis hangs", time.Since(begun).Round(time.Millisecond))
	if since := time.Since(begun); since > 5*time.Second {
		t.Errorf("not ready %v after Redis hangs", since)
	}
	f.await("HAProxy to have no gateway that is ready", func() bool {
		return strings.Contains(b.run.output.String(), "backend 'gateways' has no server available")
	})
	for _, g := range f.gateways() {
		if status, body, took := g.ready(); status != http.StatusServiceUnavailable || took > 3*time.Second {
			t.Errorf("%s: %d after %v: %s", g.name, status, took, body)
		}
	}
	time.Sleep(12*time.Second - time.Since(begun))
	l.phase("Redis is back")
	server.Resume()
	begun = time.Now()
	for _, g := range f.gateways() {
		g.awaitReady(http.StatusOK)
	}
	t.Logf("ready %v after Redis is back", time.Since(begun).Round(time.Millisecond))
	time.Sleep(3 * time.Second)
	l.end()
	l.noneLost()
}

// knows has a gateway see all members.
func (g *gatewayProcess) knows(members []*member) {
	g.f.t.Helper()
	for _, m := range members {
		if response, body, err := g.ask(m, false); err != nil || response.StatusCode != http.StatusOK {
			g.f.t.Fatalf("%s: %s", g.name, brief(response, body, err))
		}
	}
}
