//go:build fleet

package test

import (
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

// outage is something that happens to Redis: begin, a while, and its end.
type outage struct {
	name string
	// begin returns when Redis is out, or is just about to be.
	begin func()
	lasts time.Duration
	// end returns when Redis is back.
	end func()
	// partial outages serve some of those who were not seen before.
	partial bool
	// of is where Redis replicates; nil if it does not.
	of redistest.Backend
}

// whole waits until the replicas have all that was written. Redis replicates
// after it has answered, and to a new replica only when that has said a word, a
// second later or so: what a master takes with it is lost, but not by us.
func (o outage) whole(t *testing.T) {
	t.Helper()
	if o.of == nil {
		return
	}
	for _, s := range o.of.Servers() {
		written := replication(s, `master_repl_offset:(\d+)`)
		for begun := time.Now(); s.Running() && replication(s, `role:(\w+)`)[0] == "master"; time.Sleep(50 * time.Millisecond) {
			if len(written) == 1 && !slices.ContainsFunc(replication(s, `offset=(\d+)`), func(has string) bool { return number(has) < number(written[0]) }) {
				break
			}
			if time.Since(begun) > 10*time.Second {
				t.Fatalf("the replicas of %s are behind", s.Addr)
			}
		}
	}
}

// replication returns what a pattern finds in a server's own words.
func replication(s *redistest.Server, pattern string) []string {
	info, err := s.Do("info", "replication").Text()
	if err != nil {
		return []string{""} // dead: nothing to wait for
	}
	var found []string
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(info, -1) {
		found = append(found, match[1])
	}
	return found
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// through carries the load through an outage. Those who were seen notice
// nothing; those who were not are asked to come again, and are served
// afterwards.
func (l *load) through(m *mint, o outage) {
	l.f.t.Helper()
	strangers := m.members(l.f.t, loadUnseen)
	o.whole(l.f.t)
	l.phase(o.name)
	begun := time.Now()
	o.begin()
	l.unseen(strangers)
	during := l.now
	time.Sleep(o.lasts - time.Since(begun))
	o.end()
	took := l.untilServed(strangers)
	l.phase("… and after it")
	l.unseen(strangers)
	time.Sleep(time.Second)
	l.f.t.Logf("%s: people not seen before are served again %v after it", o.name, took.Round(time.Millisecond))
	if during.unseen503+during.unseenOK != loadUnseen || !o.partial && during.unseenOK != 0 {
		l.f.t.Errorf("%s, people not seen before: %d are served, %d asked to come again, %d anything else", o.name, during.unseenOK, during.unseen503, during.unseenElse)
	}
	if l.now.unseenOK != loadUnseen {
		l.f.t.Errorf("after %s, people not seen before: %d of %d are served", o.name, l.now.unseenOK, loadUnseen)
	}
}

// A Redis that dies, hangs or is slow: nobody who is signed in notices.
func TestFleetOutagesOfOneRedis(t *testing.T) {
	f := newFleet(t)
	options := redistest.Options{AppendOnly: true}
	server := redistest.Standalone(t, options)
	f.both(fleetConfig{store: f.redisStore(server, options)})
	m := newMint(t, server.Client())
	l := f.startLoad(m.members(t, loadVisitors))
	l.phase("nothing happens")
	time.Sleep(2 * time.Second)
	l.through(m, outage{name: "kill -9, 5 s, restart with its data", begin: server.Kill, lasts: 5 * time.Second, end: server.Restart})
	l.through(m, outage{name: "SIGSTOP for 30 s", begin: func() { server.Pause(0) }, lasts: 30 * time.Second, end: server.Resume})
	l.through(m, outage{name: "CLIENT PAUSE for 30 s", begin: func() {
		if err := server.Do("client", "pause", "30000", "all").Err(); err != nil {
			t.Fatal(err)
		}
	}, lasts: 30 * time.Second, end: func() {}})
	l.through(m, slow(t, server))
	l.through(m, outage{name: "out of memory for new data, 2 s", begin: func() {
		server.Do("config", "set", "maxmemory", "1")
	}, lasts: 2 * time.Second, end: func() { server.Do("config", "set", "maxmemory", "0") }, partial: true})
	l.through(m, outage{name: "read-only, 2 s", begin: func() {
		server.Do("replicaof", "127.0.0.1", "1")
	}, lasts: 2 * time.Second, end: func() { server.Do("replicaof", "no", "one") }, partial: true})
	l.through(m, outage{name: "another password, 2 s", begin: func() {
		server.Do("acl", "setuser", "default", "resetpass", ">another")
		server.Do("client", "kill", "type", "normal")
		server.Do("client", "kill", "type", "pubsub")
	}, lasts: 2 * time.Second, end: func() { server.Do("acl", "setuser", "default", "nopass") }})
	l.end()
	l.keptPace(t)
}

// slow is a Redis whose answers take up to 300 ms. A pause also holds up the
// order for the next one, so they follow one another.
func slow(t *testing.T, server *redistest.Server) outage {
	stop, stopped := make(chan struct{}), make(chan struct{})
	pauses := 0
	return outage{name: "slow, 300 ms, for 4 s", partial: true, lasts: 4 * time.Second, begin: func() {
		go func() {
			defer close(stopped)
			for ; ; pauses++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := server.Do("client", "pause", "300", "all").Err(); err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}, end: func() {
		close(stop)
		<-stopped
		t.Logf("%d pauses", pauses)
		if pauses < 5 || pauses > 25 {
			t.Errorf("%d pauses in 4 s: it was not slow", pauses)
		}
	}}
}

// The master of a Sentinel group dies, and comes back as a replica.
func TestFleetSentinelFailover(t *testing.T) {
	f := newFleet(t)
	group := redistest.Sentinel(t)
	f.both(fleetConfig{store: f.redisStore(group, redistest.Options{})})
	m := newMint(t, group.Client())
	l := f.startLoad(m.members(t, loadVisitors))
	l.through(m, outage{name: "Sentinel failover", of: group, begin: func() { group.Master().Kill() }, end: func() { awaitFailover(t, group) }})
	l.phase("the old master is back")
	group.Restart()
	time.Sleep(time.Second)
	l.end()
	l.keptPace(t)
}

// awaitFailover waits until another node is master. Failover would also kill
// it.
func awaitFailover(t *testing.T, group *redistest.Sentinels) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if master := group.Master(); master != nil && master.Running() {
			return
		}
		if time.Since(begun) > 20*time.Second {
			t.Fatal("no failover")
		}
	}
}

// The master of a Cluster that holds the ledger dies, then one that does not.
func TestFleetClusterMasterLoss(t *testing.T) {
	f := newFleet(t)
	cluster := redistest.Cluster(t)
	f.both(fleetConfig{store: f.redisStore(cluster, redistest.Options{})})
	m := newMint(t, cluster.Client())
	l := f.startLoad(m.members(t, loadVisitors))
	for _, key := range []string{"wechat:{l}:person", otherKey(t, cluster, "wechat:{l}:person")} {
		name := "Cluster loses the ledger's master"
		if key != "wechat:{l}:person" {
			name = "Cluster loses another master"
		}
		l.through(m, outage{
			name: name, begin: func() { cluster.MasterOf(key).Kill() },
			end: func() { awaitMaster(t, cluster, key) }, partial: true, of: cluster,
		})
		l.phase("the old master is back")
		cluster.Restart()
		time.Sleep(time.Second)
	}
	l.end()
	l.keptPace(t)
}

// otherKey returns a key that lies on another master than this one.
func otherKey(t *testing.T, cluster *redistest.Nodes, key string) string {
	t.Helper()
	for _, other := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		if cluster.MasterOf(other) != cluster.MasterOf(key) {
			return other
		}
	}
	t.Fatal("there is no other master")
	return ""
}

// awaitMaster waits until a key has a living master again.
func awaitMaster(t *testing.T, cluster *redistest.Nodes, key string) {
	t.Helper()
	for begun := time.Now(); cluster.MasterOf(key) == nil; time.Sleep(50 * time.Millisecond) {
		if time.Since(begun) > 20*time.Second {
			t.Fatal("no failover")
		}
	}
}
