//go:build fleet

package test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	loadVisitors = 500
	loadRate     = 200 // requests a second
	loadUnseen   = 50  // visitors in each outage whom no gateway has seen
)

// tally counts the answers of one phase.
type tally struct {
	phase                                   string
	sent, ok, renewed                       int
	again                                   int // asked once more, as browsers do; see visit
	toWeChat, redirected, signedOut         int // 302 to WeChat, elsewhere, and 401
	unavailable, failed, cleared, wrong     int // 503, anything else or nothing, Set-Cookie that clears, another's identity
	unseen, unseenOK, unseen503, unseenElse int // the same for visitors whom no gateway has seen
	took                                    []time.Duration
	lasted                                  time.Duration
	examples                                []string
}

// load sends requests of signed-in visitors to all gateways.
type load struct {
	f       *fleet
	members []*member

	mu     sync.Mutex
	now    *tally
	since  time.Time
	phases []*tally

	stop context.CancelFunc
	work sync.WaitGroup
}

// startLoad has every gateway see every member, and then begins.
func (f *fleet) startLoad(members []*member) *load {
	f.t.Helper()
	l := &load{f: f, members: members, now: &tally{phase: "first sight"}, since: time.Now()}
	l.phases = append(l.phases, l.now)
	l.meet(members)
	if l.now.ok != len(members)*len(f.gateways()) {
		f.t.Fatalf("before anything happened: %+v", *l.now)
	}
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	f.t.Cleanup(func() { stop(); l.work.Wait() })
	l.work.Go(func() { l.send(ctx) })
	return l
}

// meet sends one request of each member to each gateway.
func (l *load) meet(members []*member) {
	var work sync.WaitGroup
	gate := make(chan struct{}, 16)
	for _, m := range members {
		for _, g := range l.f.gateways() {
			work.Go(func() {
				gate <- struct{}{}
				defer func() { <-gate }()
				l.visit(m, g, rand.N(3) > 0)
			})
		}
	}
	work.Wait()
}

// send keeps the rate: what was due while the machine was busy is sent late,
// not left out.
func (l *load) send(ctx context.Context) {
	begun := time.Now()
	for sent := 0; ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
		for ; sent < int(time.Since(begun).Seconds()*loadRate); sent++ {
			m, g := l.members[rand.N(len(l.members))], l.f.gateways()[sent%2]
			l.work.Go(func() { l.visit(m, g, rand.N(3) > 0) })
		}
	}
}

// phase begins to count anew.
func (l *load) phase(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now.lasted, l.since = time.Since(l.since), time.Now()
	l.now = &tally{phase: name}
	l.phases = append(l.phases, l.now)
}

// visit is one request of a member: a navigation, which a gateway could
// redirect, or a script's, which it could answer with 401.
func (l *load) visit(m *member, g *gatewayProcess, navigation bool) {
	l.mu.Lock()
	in := l.now // counted where it was sent
	l.mu.Unlock()
	sent := time.Now()
	response, body, err := g.ask(m, navigation)
	again := 0
	if err != nil {
		// Go's server, and so Caddy, closes new connections unanswered when a
		// reload shuts it down. Browsers and load balancers then ask once more.
		again = 1
		response, body, err = g.ask(m, navigation)
	}
	took := time.Since(sent)
	l.mu.Lock()
	defer l.mu.Unlock()
	in.again += again
	in.sent++
	in.took = append(in.took, took)
	defer func() {
		if err != nil || response.StatusCode != http.StatusOK {
			in.example("%s: %s", g.name, brief(response, body, err))
		}
	}()
	if err != nil {
		in.failed++
		return
	}
	if value, set := cookieOf(response, "wechat"); set && value == "" {
		in.cleared++
	} else if set {
		in.renewed++
		m.keep(value)
	}
	told := map[string]string{}
	_ = json.Unmarshal(body, &told) // then it names nobody
	location := response.Header.Get("Location")
	switch {
	case response.StatusCode == http.StatusOK && told["X-Wechat-User"] == m.person && told["X-Wechat-Openid"] == m.openID:
		in.ok++
		return
	case response.StatusCode == http.StatusOK:
		in.wrong++
	case strings.HasPrefix(location, l.f.sim.URL):
		in.toWeChat++
	case location != "":
		in.redirected++
	case response.StatusCode == http.StatusUnauthorized:
		in.signedOut++
	case response.StatusCode == http.StatusServiceUnavailable:
		in.unavailable++
	default:
		in.failed++
	}
}

// brief is an answer in one line.
func brief(response *http.Response, body []byte, err error) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s, Location %.60q: %.120q", response.Status, response.Header.Get("Location"), body)
}

func (c *tally) example(format string, values ...any) {
	if len(c.examples) < 3 {
		c.examples = append(c.examples, fmt.Sprintf(format, values...))
	}
}

// unseen sends one request of each stranger: while the store is down they are
// to be asked to come again, and nothing else.
func (l *load) unseen(strangers []*member) {
	l.mu.Lock()
	in := l.now
	l.mu.Unlock()
	var work sync.WaitGroup
	for i, m := range strangers {
		g := l.f.gateways()[i%2]
		work.Go(func() {
			response, body, err := g.ask(m, true)
			l.mu.Lock()
			defer l.mu.Unlock()
			in.unseen++
			switch {
			case err == nil && response.StatusCode == http.StatusOK:
				in.unseenOK++
			case err == nil && response.StatusCode == http.StatusServiceUnavailable && response.Header.Get("Retry-After") != "" &&
				response.Header.Get("Refresh") != "" && response.Header.Get("Set-Cookie") == "":
				in.unseen503++
			default:
				in.unseenElse++
				in.example("unseen, %s: %s", g.name, brief(response, body, err))
			}
		})
	}
	work.Wait()
}

// untilServed waits until the gateways serve everybody whom they have not seen,
// without a restart, and returns how long that took.
func (l *load) untilServed(strangers []*member) time.Duration {
	l.f.t.Helper()
	begun := time.Now()
	for i, m := range strangers {
		g := l.f.gateways()[i%2]
		for {
			response, body, err := g.ask(m, true)
			if err == nil && response.StatusCode == http.StatusOK {
				break
			}
			if time.Since(begun) > 20*time.Second {
				l.f.t.Fatalf("%s did not recover: %s", g.name, brief(response, body, err))
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	return time.Since(begun)
}

// end stops the load and prints and checks what was counted. Strangers' phases
// are checked by who sent them.
func (l *load) end() {
	l.f.t.Helper()
	l.stop()
	l.work.Wait()
	l.now.lasted = time.Since(l.since)
	var table strings.Builder
	fmt.Fprintf(&table, "%-34s %7s %6s %6s %7s %6s %4s %4s %6s %5s %8s %6s %5s %7s %7s %7s | %s\n", "phase", "seconds", "sent", "200", "WeChat",
		"other", "401", "503", "failed", "again", "cookies-", "wrong", "renew", "p50", "p99", "max", "unseen: sent, 200, 503, else")
	for _, c := range l.phases {
		slices.Sort(c.took)
		fmt.Fprintf(&table, "%-34s %7.1f %6d %6d %7d %6d %4d %4d %6d %5d %8d %6d %5d %7v %7v %7v | %d, %d, %d, %d\n", c.phase, c.lasted.Seconds(), c.sent, c.ok,
			c.toWeChat, c.redirected, c.signedOut, c.unavailable, c.failed, c.again, c.cleared, c.wrong, c.renewed, c.quantile(50), c.quantile(99), c.quantile(100),
			c.unseen, c.unseenOK, c.unseen503, c.unseenElse)
	}
	l.f.t.Logf("%d visitors, %d requests/s over two gateways\n%s", len(l.members), loadRate, table.String())
	for _, c := range l.phases {
		if c.sent != c.ok || c.cleared != 0 || c.unseenElse != 0 {
			l.f.t.Errorf("%s: not everybody was served:\n%s", c.phase, strings.Join(c.examples, "\n"))
		}
	}
}

func (c *tally) quantile(percent int) time.Duration {
	if len(c.took) == 0 {
		return 0
	}
	return c.took[(len(c.took)-1)*percent/100].Round(100 * time.Microsecond)
}

// keptPace fails if the machine was too slow for the load to be one.
func (l *load) keptPace(t *testing.T) {
	t.Helper()
	sent, lasted := 0, time.Duration(0)
	for _, c := range l.phases[1:] {
		sent, lasted = sent+c.sent, lasted+c.lasted
	}
	if rate := float64(sent) / lasted.Seconds(); rate < loadRate*0.9 {
		t.Errorf("only %.0f requests/s were sent", rate)
	}
}
