//go:build fleet

package test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// The store moves to another address, as operators do it: a replica is made,
// all gateways are reloaded to use it, then it becomes the master. Nobody
// notices, and nothing of the old one is left.
func TestFleetMovesToAnotherRedis(t *testing.T) {
	f := newFleet(t)
	options := redistest.Options{Username: "gateway", Password: "pa55word"}
	old, next := redistest.Standalone(t, options), redistest.Standalone(t, options)
	f.both(fleetConfig{store: f.redisStore(old, options), auth: silentBase})
	// The tests have a user of their own, so that the gateways can be told
	// apart.
	old.Do("acl", "setuser", "minter", "on", ">minter", "~*", "&*", "+@all")
	mine := old.Universal()
	mine.Username, mine.Password = "minter", "minter"
	m := newMint(t, old.Dial(mine))
	l := f.startLoad(m.members(t, loadVisitors))
	before, workers := f.connections(old), f.storeWorkers()

	_, port, _ := strings.Cut(old.Addr, ":")
	for _, command := range [][]any{
		{"config", "set", "masteruser", "minter"}, {"config", "set", "masterauth", "minter"}, {"replicaof", "127.0.0.1", port},
	} {
		if err := next.Do(command...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	f.await("the replica", func() bool { return replication(next, `master_link_status:(\w+)`)[0] == "up" })
	whole := outage{of: old}
	whole.whole(t)

	l.phase("reload to another address")
	u := f.underWay()
	f.mustReload(fleetConfig{store: f.redisStore(next, options), auth: silentBase})
	u.goOn() // the code was spent for the old one, which the new one follows
	whole.whole(t)
	if err := next.Do("replicaof", "no", "one").Err(); err != nil {
		t.Fatal(err)
	}
	u.arrive()
	l.phase("the old one is let go of")
	begun := time.Now()
	f.await("the end of the old connections", func() bool { return f.connections(old) == 0 })
	gone := time.Since(begun)
	old.Kill()
	time.Sleep(time.Second)
	l.end()
	l.keptPace(t)
	t.Logf("connections of both gateways: %d to the old Redis before, 0 to it %v after the reload, %d to the new one; workers of the store: %v before, %v after",
		before, gone.Round(10*time.Millisecond), f.connections(next), workers, f.storeWorkers())
	if before == 0 || f.connections(next) == 0 {
		t.Error("there should be connections")
	}
	for g, n := range f.storeWorkers() {
		if n != workers[g] || n == 0 {
			t.Errorf("%s: %d goroutines of the store, %d before", g, n, workers[g])
		}
	}
}

// connections counts those of the gateways' user.
func (f *fleet) connections(s *redistest.Server) int {
	f.t.Helper()
	list, err := s.Do("client", "list").Text()
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.Count(list, " user=gateway ")
}

// storeWorkers counts, in each gateway, the goroutines that a store keeps
// running.
func (f *fleet) storeWorkers() map[string]int {
	f.t.Helper()
	count := map[string]int{}
	for _, g := range f.gateways() {
		response, err := g.outside.Get("http://" + g.admin + "/debug/pprof/goroutine?debug=2")
		if err != nil {
			f.t.Fatal(err)
		}
		stacks, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK {
			f.t.Fatalf("%s %v", response.Status, err)
		}
		for _, worker := range []string{"heartbeat.(*Connection).listen(", "heartbeat.(*Connection).beat(", "session.(*Near).sweep("} {
			count[g.name] += strings.Count(string(stacks), worker)
		}
	}
	return count
}
