package redistest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	masters = 3
	slots   = 16384
)

func newNodes(e *serverSet) (*Nodes, error) {
	c := &Nodes{serverSet: e}
	for i := range 2 * masters {
		s, err := e.server(fmt.Sprintf("node%d", i))
		if err != nil {
			return nil, err
		}
		c.group = append(c.group, s)
	}
	if err := each(c.group, (*Server).bootNode); err != nil {
		return nil, err
	}
	if err := c.form(); err != nil {
		return nil, err
	}
	return c, until(c.settled)
}

// bootNode starts one node, with another free port for the messages of the
// Cluster.
func (s *Server) bootNode() error {
	return s.boot(func() []string {
		bus, err := freePort()
		if err != nil {
			return []string{"# no free port: redis-server refuses the next line", "cluster-port none"}
		}
		s.bus = strconv.Itoa(bus)
		s.extra = []string{
			"cluster-enabled yes", "cluster-config-file nodes.conf", "cluster-announce-ip 127.0.0.1",
			"cluster-port " + s.bus,
			"cluster-node-timeout 1000",
			"cluster-replica-validity-factor 0", // a replica is promoted even if its master has been silent for long
			"cluster-allow-replica-migration no",
		}
		if s.certs != nil {
			s.extra = append(s.extra, "tls-cluster yes")
		}
		return s.data()
	})
}

// form joins six single nodes to one Cluster.
func (c *Nodes) form() error {
	for i, s := range c.group {
		if err := s.Do("cluster", "set-config-epoch", i+1).Err(); err != nil {
			return err
		}
		if i < masters {
			if err := s.Do("cluster", "addslotsrange", i*slots/masters, (i+1)*slots/masters-1).Err(); err != nil {
				return err
			}
		}
		for _, other := range c.group[:i] {
			if err := s.Do("cluster", "meet", "127.0.0.1", other.port(), other.bus).Err(); err != nil {
				return err
			}
		}
	}
	err := until(func() error {
		return each(c.group, func(s *Server) error { return says(s, "cluster_known_nodes:6", "cluster_state:ok") })
	})
	if err != nil {
		return err
	}
	return each(c.group[masters:], func(s *Server) error {
		id, err := c.group[slices.Index(c.group, s)-masters].Do("cluster", "myid").Text()
		if err != nil {
			return err
		}
		return until(func() error { return s.Do("cluster", "replicate", id).Err() })
	})
}

// says succeeds when CLUSTER INFO has all the lines.
func says(s *Server, lines ...string) error {
	info, err := s.ask("cluster", "info").Text()
	if err != nil {
		return err
	}
	for _, line := range lines {
		if !strings.Contains(info, line+"\r\n") {
			return fmt.Errorf("%s: not %s", s.Addr, line)
		}
	}
	return nil
}
