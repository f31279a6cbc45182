//go:build fleet

package test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

const (
	// staleBound is how long B may go on when it hears of nothing, by itself.
	staleBound = time.Second

	// staleMargin is for the machine, and for the way of the last answer.
	staleMargin = 500 * time.Millisecond

	revokedAtOnce = 8 // people whose sessions are ended at the same time
)

// What ends on A is over on B: at once while B hears of it, within the
// staleness bound when it does not.
func TestFleetRevocation(t *testing.T) {
	f := newFleet(t)
	server := redistest.Standalone(t, redistest.Options{})
	rights := func(user, channels string) {
		t.Helper()
		if err := server.Do("acl", "setuser", user, "on", ">pa55word", "~*", "+@all", "resetchannels", channels).Err(); err != nil {
			t.Fatal(err)
		}
	}
	rights("a", "&wechat:*")
	rights("b", "&wechat:*")
	f.a, f.b = f.prepare("A"), f.prepare("B")
	store := func(user string) string {
		return fmt.Sprintf("redis redis://%s/0 {\nusername %s\npassword pa55word\n}", server.Addr, user)
	}
	f.a.start(fleetConfig{store: store("a")})
	f.b.start(fleetConfig{store: store("b")})
	m := newMint(t, server.Client())
	f.hear()

	all := m.members(t, 4*revokedAtOnce)
	group := func(i int) []*member { return all[i*revokedAtOnce : (i+1)*revokedAtOnce] }
	f.revoke("logout on A", revokedWithin, group(0), f.logOutOnA)
	f.revoke("all sessions of a person ended", revokedWithin, group(1), func(one *member) error { return m.endPerson(t, one) })
	// Without the right to use channels, B is cut off at this moment.
	rights("b", "&none")
	f.revoke("logout on A, B's channel cut", staleBound+staleMargin, group(2), f.logOutOnA)
	if a, b := f.listeners(server, "a"), f.listeners(server, "b"); a == 0 || b != 0 {
		t.Errorf("A has %d subscriptions and B %d; B's channel was not cut", a, b)
	}
	f.revoke("all sessions of a person ended, B's channel cut", staleBound+staleMargin, group(3), func(one *member) error { return m.endPerson(t, one) })
}

// listeners counts a user's connections that are subscribed to channels.
func (f *fleet) listeners(server *redistest.Server, user string) int {
	list, err := server.Do("client", "list", "type", "pubsub").Text()
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.Count(list, " user="+user+" ")
}

func (m *mint) endPerson(t *testing.T, one *member) error {
	n, err := m.sessions.EndPerson(t.Context(), one.person)
	if err == nil && n != 1 {
		err = fmt.Errorf("%d sessions were ended", n)
	}
	return err
}

func (f *fleet) logOutOnA(one *member) error {
	v := f.visitor("ming", f.a)
	v.header.Set("Cookie", "wechat="+one.value())
	if a := v.logOut(shopSite); a.StatusCode != http.StatusOK {
		return fmt.Errorf("logout: %s %s", a.Status, a.body)
	}
	return nil
}

// revoke ends the sessions of people who are busy on both gateways, and
// measures when the gateways refuse them.
func (f *fleet) revoke(what string, bound time.Duration, people []*member, end func(*member) error) {
	f.t.Helper()
	took := map[*gatewayProcess][]time.Duration{}
	var mu sync.Mutex
	var work sync.WaitGroup
	for i, one := range people {
		work.Go(func() {
			time.Sleep(time.Duration(i) * 30 * time.Millisecond) // not all at one moment of the heartbeat
			measured, err := f.revokeOne(one, end)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				f.t.Errorf("%s: %v", what, err)
				return
			}
			for g, d := range measured {
				took[g] = append(took[g], d)
			}
		})
	}
	work.Wait()
	for _, g := range f.gateways() {
		slices.Sort(took[g])
		if len(took[g]) != len(people) {
			f.t.Fatalf("%s: %d of %d are measured", what, len(took[g]), len(people))
		}
		worst := took[g][len(people)-1]
		f.t.Logf("%s: %d people, %s refuses after %v (median), %v (last)", what, len(people), g.name,
			took[g][len(people)/2].Round(100*time.Microsecond), worst.Round(100*time.Microsecond))
		if worst > bound {
			f.t.Errorf("%s: %s refuses after %v, later than %v", what, g.name, worst, bound)
		}
	}
}

// revokeOne ends one session, and asks both gateways all the time.
func (f *fleet) revokeOne(one *member, end func(*member) error) (map[*gatewayProcess]time.Duration, error) {
	for range 3 {
		for _, g := range f.gateways() {
			if response, body, err := g.ask(one, false); err != nil || response.StatusCode != http.StatusOK {
				return nil, fmt.Errorf("before: %s", brief(response, body, err))
			}
		}
	}
	if err := end(one); err != nil {
		return nil, err
	}
	ended := time.Now()
	took, errs := map[*gatewayProcess]time.Duration{}, error(nil)
	var mu sync.Mutex
	var work sync.WaitGroup
	for _, g := range f.gateways() {
		work.Go(func() {
			d, err := refusal(g, one, ended)
			mu.Lock()
			defer mu.Unlock()
			if took[g] = d; err != nil {
				errs = err
			}
		})
	}
	work.Wait()
	return took, errs
}

// refusal asks a gateway until it refuses.
func refusal(g *gatewayProcess, one *member, since time.Time) (time.Duration, error) {
	for ; time.Since(since) < 10*time.Second; time.Sleep(10 * time.Millisecond) {
		response, body, err := g.ask(one, false)
		switch {
		case err == nil && response.StatusCode == http.StatusUnauthorized:
			return time.Since(since), nil
		case err != nil || response.StatusCode != http.StatusOK:
			return 0, fmt.Errorf("%s: %s", g.name, brief(response, body, err))
		}
	}
	return 0, fmt.Errorf("%s never refuses", g.name)
}
