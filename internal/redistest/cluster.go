package redistest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Nodes is a Cluster of three masters, each with one replica. A master that is
// silent for a second is replaced about a second later; until then the Cluster
// refuses every key (CLUSTERDOWN).
type Nodes struct {
	*serverSet
	group
}

// Cluster starts a Cluster for this test.
func Cluster(t testing.TB) *Nodes {
	t.Helper()
	return ClusterWith(t, Options{})
}

// ClusterWith starts a Cluster with options.
func ClusterWith(t testing.TB, o Options) *Nodes {
	t.Helper()
	return own(t, o, newNodes)
}

// Universal returns options that name all six nodes. Make a client that must
// outlive a failover with Dial or Client, not with redis.NewUniversalClient:
// see Dial.
func (c *Nodes) Universal() *redis.UniversalOptions {
	o := c.universal(c.group)
	o.IsClusterMode = true
	return o
}

// Client returns a client of the Cluster.
func (c *Nodes) Client() redis.UniversalClient { return c.Dial(c.Universal()) }

// URL returns redis+cluster://[user:password@]h1:p1,h2:p2….
func (c *Nodes) URL() string { return c.url("+cluster", "", c.group) }

// Masters returns the nodes that say they are masters, in the order of Servers.
func (c *Nodes) Masters() []*Server {
	return slices.DeleteFunc(slices.Clone(c.group), func(s *Server) bool { return !s.Running() || isMaster(s) != nil })
}

// MasterOf returns the master of the key's slot, or nil while there is none.
func (c *Nodes) MasterOf(key string) *Server {
	for _, s := range c.Masters() {
		slot, err := s.ask("cluster", "keyslot", key).Int64()
		if err != nil {
			continue
		}
		// A node answers COUNTKEYSINSLOT for any slot; CLUSTER NODES lists its
		// own slots.
		if owned, err := ownedSlots(s); err == nil && owned(slot) {
			return s
		}
	}
	return nil
}

// ownedSlots reads from CLUSTER NODES which slots a node serves.
func ownedSlots(s *Server) (func(int64) bool, error) {
	list, err := s.ask("cluster", "nodes").Text()
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(list) {
		fields := strings.Fields(line)
		if len(fields) < 9 || !strings.Contains(fields[2], "myself") {
			continue
		}
		return func(slot int64) bool {
			return slices.ContainsFunc(fields[8:], func(r string) bool {
				first, last, many := strings.Cut(r, "-")
				if !many {
					last = first
				}
				from, err1 := strconv.ParseInt(first, 10, 64)
				to, err2 := strconv.ParseInt(last, 10, 64)
				return err1 == nil && err2 == nil && from <= slot && slot <= to
			})
		}, nil
	}
	return nil, errors.New("the node has no slots")
}

// Failover kills the first master and returns its successor, once the whole
// Cluster serves again. The old master stays dead until Restart.
func (c *Nodes) Failover() *Server {
	c.tb.Helper()
	all := c.Masters()
	if len(all) == 0 {
		c.tb.Errorf("failover: no master")
		return nil
	}
	return c.failover(all[0])
}

// FailoverOf is Failover of the master of this key.
func (c *Nodes) FailoverOf(key string) *Server {
	c.tb.Helper()
	old := c.MasterOf(key)
	if old == nil {
		c.tb.Errorf("failover: no master has the key %q", key)
		return nil
	}
	return c.failover(old)
}

func (c *Nodes) failover(old *Server) *Server {
	c.tb.Helper()
	before := c.Masters()
	begun := time.Now()
	old.Kill()
	var next *Server
	err := until(func() error {
		for _, s := range c.Masters() {
			if !slices.Contains(before, s) {
				next = s
			}
		}
		if next == nil {
			return errors.New("no replica was promoted")
		}
		return c.serving()
	})
	if err != nil {
		c.tb.Errorf("failover from %s: %s", old.Addr, err)
		return nil
	}
	c.tb.Logf("redistest: failover from %s to %s in %v", old.Addr, next.Addr, time.Since(begun).Round(time.Millisecond))
	return next
}

// Restart starts every node that is not running and returns when the Cluster is
// whole: three masters, three replicas.
func (c *Nodes) Restart() {
	c.tb.Helper()
	c.restart()
	if err := until(c.settled); err != nil {
		c.tb.Errorf("restart: %s", err)
	}
}

// serving succeeds when every running node says that the Cluster is whole.
func (c *Nodes) serving() error {
	live := slices.DeleteFunc(slices.Clone(c.group), func(s *Server) bool { return !s.Running() })
	return each(live, func(s *Server) error { return says(s, "cluster_state:ok") })
}

// settled succeeds when the Cluster serves and every master has its replica in
// step.
func (c *Nodes) settled() error {
	all := c.Masters()
	if len(all) != masters {
		return fmt.Errorf("%d masters", len(all))
	}
	if err := each(all, func(s *Server) error { return attached(s, 1) }); err != nil {
		return err
	}
	return c.serving()
}
