package redistest

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// MasterName is the sentinels' name for their master.
const MasterName = "wechat"

// Sentinels is a master with two replicas, watched by three sentinels. A master
// that is silent for a second is replaced about two seconds later.
type Sentinels struct {
	*serverSet
	group
	Sentinels []*Server
}

// Sentinel starts a Sentinel group for this test.
func Sentinel(t testing.TB) *Sentinels {
	t.Helper()
	return SentinelWith(t, Options{})
}

// SentinelWith starts a Sentinel group with options.
func SentinelWith(t testing.TB, o Options) *Sentinels {
	t.Helper()
	return own(t, o, newSentinels)
}

func newSentinels(e *serverSet) (*Sentinels, error) {
	f := &Sentinels{serverSet: e}
	for i := range 3 {
		s, err := e.server(fmt.Sprintf("redis%d", i))
		if err != nil {
			return nil, err
		}
		f.group = append(f.group, s)
	}
	for i := range 3 {
		s, err := e.server(fmt.Sprintf("sentinel%d", i))
		if err != nil {
			return nil, err
		}
		s.args = []string{"--sentinel"}
		f.Sentinels = append(f.Sentinels, s)
	}
	if err := each(f.group[:1], func(s *Server) error { return s.boot(s.data) }); err != nil {
		return nil, err
	}
	master := f.group[0]
	err := each(f.group[1:], func(s *Server) error {
		s.extra = append(s.extra, "replicaof 127.0.0.1 "+master.port())
		return s.boot(s.data)
	})
	if err != nil {
		return nil, err
	}
	// Replicas first: a sentinel that finds none at first asks again only ten
	// seconds later.
	if err := until(func() error { return attached(master, 2) }); err != nil {
		return nil, err
	}
	err = each(f.Sentinels, func(s *Server) error { return s.boot(func() []string { return f.watch(s, master) }) })
	if err != nil {
		return nil, err
	}
	return f, until(f.settled)
}

// watch returns the configuration of one sentinel.
func (f *Sentinels) watch(s, master *Server) []string {
	lines := s.common()
	if f.opts.SentinelPassword != "" {
		lines = append(lines, "requirepass "+f.opts.SentinelPassword, "sentinel sentinel-user "+adminUser, "sentinel sentinel-pass "+f.admin)
	}
	return append(
		lines,
		"sentinel monitor "+MasterName+" 127.0.0.1 "+master.port()+" 2",
		"sentinel auth-user "+MasterName+" "+adminUser,
		"sentinel auth-pass "+MasterName+" "+f.admin,
		"sentinel down-after-milliseconds "+MasterName+" 1000",
		"sentinel failover-timeout "+MasterName+" 3000",
		"sentinel parallel-syncs "+MasterName+" 2",
	)
}

// Universal returns options that ask the sentinels for the master.
func (f *Sentinels) Universal() *redis.UniversalOptions {
	o := f.universal(f.Sentinels)
	o.MasterName, o.SentinelPassword = MasterName, f.opts.SentinelPassword
	return o
}

// Client returns a client that follows the master.
func (f *Sentinels) Client() redis.UniversalClient { return f.Dial(f.Universal()) }

// URL returns redis+sentinel://[user:password@]h1:p1,h2:p2,h3:p3/wechat/0. User
// and password are the data nodes'.
func (f *Sentinels) URL() string { return f.url("+sentinel", "/"+MasterName+"/0", f.Sentinels) }

// Master returns the node that most sentinels consider the master, or nil.
func (f *Sentinels) Master() *Server {
	votes := map[string]int{}
	for _, s := range f.Sentinels {
		if at, err := s.ask("sentinel", "get-master-addr-by-name", MasterName).StringSlice(); err == nil && len(at) == 2 {
			votes[net.JoinHostPort(at[0], at[1])]++
		}
	}
	for _, s := range f.group {
		if votes[s.Addr] > len(f.Sentinels)/2 {
			return s
		}
	}
	return nil
}

// Failover kills the master and returns the new one, once it accepts writes.
// The old master stays dead until Restart.
func (f *Sentinels) Failover() *Server {
	f.tb.Helper()
	old := f.Master()
	if old == nil {
		f.tb.Errorf("failover: the sentinels agree on no master")
		return nil
	}
	begun := time.Now()
	old.Kill()
	var next *Server
	err := until(func() error {
		if next = f.Master(); next == nil || next == old {
			return errors.New("no new master")
		}
		return isMaster(next)
	})
	if err != nil {
		f.tb.Errorf("failover from %s: %s", old.Addr, err)
		return nil
	}
	f.tb.Logf("redistest: failover from %s to %s in %v", old.Addr, next.Addr, time.Since(begun).Round(time.Millisecond))
	return next
}

// Restart starts every data node that is not running and returns when the group
// is whole: one master, two replicas. It makes a master that was replaced
// meanwhile a replica at once; the sentinels alone would take ten seconds.
func (f *Sentinels) Restart() {
	f.tb.Helper()
	f.restart()
	if master := f.Master(); master != nil && isMaster(master) == nil {
		for _, s := range f.group {
			if s != master && isMaster(s) == nil {
				s.Do("replicaof", "127.0.0.1", master.port()) // if it is refused, settled reports it
			}
		}
	}
	if err := until(f.settled); err != nil {
		f.tb.Errorf("restart: %s", err)
	}
}

// settled succeeds when all sentinels know each other, the master and both
// replicas, and both replicate.
func (f *Sentinels) settled() error {
	master := f.Master()
	if master == nil {
		return errors.New("the sentinels agree on no master")
	}
	if err := attached(master, len(f.group)-1); err != nil {
		return err
	}
	return each(f.Sentinels, func(s *Server) error {
		known, err := pairs(s.ask("sentinel", "master", MasterName))
		if err != nil {
			return err
		}
		if known["flags"] != "master" || known["num-slaves"] != "2" || known["num-other-sentinels"] != "2" {
			return fmt.Errorf("the master is %q with %s replicas and %s other sentinels", known["flags"], known["num-slaves"], known["num-other-sentinels"])
		}
		return nil
	})
}

// isMaster succeeds when the node says that it is the master.
func isMaster(s *Server) error {
	role, err := s.ask("role").Slice()
	if err != nil {
		return err
	}
	if role[0] != "master" {
		return fmt.Errorf("%s is a %v", s.Addr, role[0])
	}
	return nil
}

// attached succeeds when that many replicas are in step with a master.
func attached(master *Server, replicas int) error {
	info, err := master.ask("info", "replication").Text()
	if err != nil {
		return err
	}
	if n := strings.Count(info, "state=online"); !strings.Contains(info, "role:master") || n != replicas {
		return fmt.Errorf("%s has %d replicas", master.Addr, n)
	}
	return nil
}

// pairs reads a flat list of names and values.
func pairs(cmd *redis.Cmd) (map[string]string, error) {
	list, err := cmd.StringSlice()
	if err != nil {
		return nil, err
	}
	m := make(map[string]string, len(list)/2)
	for i := 0; i+1 < len(list); i += 2 {
		m[list[i]] = list[i+1]
	}
	return m, nil
}
