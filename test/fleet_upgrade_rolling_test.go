//go:build fleet

package test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// upgradeVisitors are fewer than loadVisitors: the load is the same.
const upgradeVisitors = 200

// postedOrders counts how often the app has carried out each order.
type postedOrders struct {
	mu   sync.Mutex
	done map[string]int
}

func (o *postedOrders) carryOut(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.done == nil {
		o.done = map[string]int{}
	}
	o.done[id]++
}

func (o *postedOrders) times(id string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.done[id]
}

// posting posts orders of one member, twenty a second, until the end.
type posting struct {
	stop context.CancelFunc
	work sync.WaitGroup
	mu   sync.Mutex
	sent map[string]string // by id: the answer, or the error
}

func (f *fleet) startPosting(m *member) *posting {
	ctx, stop := context.WithCancel(f.t.Context())
	p := &posting{stop: stop, sent: map[string]string{}}
	f.t.Cleanup(func() { stop(); p.work.Wait() })
	p.work.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			p.work.Go(func() {
				id := fmt.Sprintf("order %d", i)
				said := f.post(m, f.gateways()[i%2], id)
				p.mu.Lock()
				defer p.mu.Unlock()
				p.sent[id] = said
			})
			time.Sleep(50 * time.Millisecond)
		}
	})
	return p
}

// post posts an order, and returns the answer's status or the error.
func (f *fleet) post(m *member, g *gatewayProcess, id string) string {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, shopSite+"/order", strings.NewReader(id))
	if err != nil {
		return err.Error()
	}
	request.Header = http.Header{"User-Agent": {phoneUA}, "Cookie": {"wechat=" + m.value()}, "Content-Type": {"text/plain"}, "Origin": {shopSite}}
	response, err := (&http.Client{Transport: g.transport, Timeout: 20 * time.Second}).Do(request)
	if err != nil {
		return err.Error()
	}
	_ = response.Body.Close() // the status is all
	return response.Status
}

// end counts the orders: none may be carried out twice, or be refused and
// carried out. It returns how many got no good answer.
func (p *posting) end(f *fleet) (lost int) {
	f.t.Helper()
	p.stop()
	p.work.Wait()
	for id, said := range p.sent {
		done := f.orders.times(id)
		if said != "200 OK" {
			lost++
			f.t.Logf("%s: %s, carried out %d times", id, said, done)
		} else if done != 1 {
			f.t.Errorf("%s was carried out %d times", id, done)
		}
		if done > 1 {
			f.t.Errorf("%s was carried out twice", id)
		}
	}
	f.t.Logf("%d orders were posted, %d got no good answer", len(p.sent), lost)
	return lost
}

// replace stops a gateway as systemd does, and starts another binary in its
// place.
func (g *gatewayProcess) replace(binary string, c fleetConfig) {
	g.f.t.Helper()
	if err := g.run.command.Process.Signal(syscall.SIGTERM); err != nil {
		g.f.t.Fatal(err)
	}
	select {
	case <-g.run.ended:
	case <-time.After(30 * time.Second):
		g.f.t.Fatalf("%s does not end", g.name)
	}
	g.binary = binary
	g.start(c)
}

// Two gateways of a former build on one Redis, behind HAProxy, become two of this
// build, one after the other, and one may go back: nobody is signed out and no
// request is lost. The last build before has readiness, so HAProxy asks for it,
// as docs/health.md says. The other one has none: HAProxy only connects to it,
// as docs/upgrade.md says.
func TestFleetRollingUpgrade(t *testing.T) {
	for _, former := range []*formerBuild{lastBuild, farBuild} {
		t.Run(former.name, func(t *testing.T) {
			binary := former.binary(t)
			go func() { _, _ = farBuild.build() }() // meanwhile; its row reports the error
			f := newFleet(t)
			server := redistest.Standalone(t, redistest.Options{})
			c := fleetConfig{store: f.redisStore(server, redistest.Options{}), auth: silentBase, server: "grace_period 30s"}
			settle := 2500 * time.Millisecond // HAProxy has seen a gateway twice
			if former.bans {
				c.server += "\nshutdown_delay 4s"
			}
			f.a, f.b = f.prepare("A"), f.prepare("B")
			for _, g := range f.gateways() {
				g.binary = binary
				g.start(c)
			}
			front, _ := f.behindHAProxyThat(former.bans)
			mint := newMint(t, server.Client())
			members := mint.members(t, upgradeVisitors)
			posting := front.startPosting(members[0])
			l := front.startLoad(members)
			steps := []rollingStep{{"A is upgraded", f.a, f.binary}, {"B is upgraded", f.b, f.binary}}
			if !former.bans { // the other one takes long, for its shutdown_delay
				steps = append(steps, rollingStep{"A goes back", f.a, binary})
			}
			for _, step := range steps {
				l.phase(step.phase)
				step.g.replace(step.binary, c)
				time.Sleep(settle)
				f.hear()
				f.bothHear(mint)
				f.signInAcross()
			}
			l.end()
			l.noneLost()
			// A POST is not sent twice, so one may be lost where a gateway closes the
			// connection under it. None was, in all runs so far.
			if lost := posting.end(front); lost > 2 {
				t.Errorf("%d orders were lost", lost)
			}
		})
	}
}

// rollingStep puts a binary in the place of another.
type rollingStep struct {
	phase  string
	g      *gatewayProcess
	binary string
}

// bothHear signs a member out at each gateway: the other one, whose build may be
// another, refuses within a second.
func (f *fleet) bothHear(mint *mint) {
	f.t.Helper()
	for i, g := range f.gateways() {
		one, other := mint.members(f.t, 1)[0], f.gateways()[1-i]
		other.knows([]*member{one})
		g.knows([]*member{one})
		v := f.visitor("ming", g)
		v.header.Set("Cookie", "wechat="+one.value())
		if a := v.logOut(shopSite); a.StatusCode != http.StatusOK {
			f.t.Errorf("logout at %s: %s %s", g.name, a.Status, a.body)
		}
		if took, err := refusal(other, one, time.Now()); err != nil || took > revokedWithin {
			f.t.Errorf("signed out at %s, refused at %s after %v, %v", g.name, other.name, took, err)
		}
	}
}

// signInAcross has visitors go to WeChat from one gateway and come back to the
// other, whose build may be another.
func (f *fleet) signInAcross() {
	f.t.Helper()
	for i, g := range f.gateways() {
		other := f.gateways()[1-i]
		v := f.newcomer(g)
		a := v.on(other).get(f.beginDance(v, travelPage))
		if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != travelPage {
			f.t.Errorf("a sign-in from %s to %s: %s to %q %.200s", g.name, other.name, a.Status, a.Header.Get("Location"), a.body)
			continue
		}
		user := v.on(other).script(travelPage).told()["X-Wechat-User"]
		if again := v.on(g).script(travelPage).told()["X-Wechat-User"]; user == "" || again != user {
			f.t.Errorf("who came from %s to %s is %q there and %q here", g.name, other.name, user, again)
		}
	}
}
