package limit

import (
	"net/netip"
	"sync"
	"time"
)

// maxSharing bounds the number of networks that share.
const maxSharing = 65536

// Share divides a number of takes per second among the networks that ask. Each
// gets an equal part at most, and one part stays free for a network that asks
// later (attack: a few networks use up everything at the beginning of each
// second).
type Share struct {
	Total int // per second, for all networks
	Most  int // per second, for one network

	mu     sync.Mutex
	since  time.Time
	taken  map[netip.Prefix]int
	sum    int
	before int // networks that asked in the previous second
}

// Take reports whether a network may have one more.
func (s *Share) Take(network netip.Prefix, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if age := now.Sub(s.since); age >= time.Second || age < 0 {
		s.before = len(s.taken)
		if age >= 2*time.Second {
			s.before = 0
		}
		s.since, s.sum, s.taken = now, 0, make(map[netip.Prefix]int)
	}
	n, known := s.taken[network]
	if !known && len(s.taken) >= maxSharing {
		return false
	}
	if !known {
		s.taken[network] = 0 // the network counts even if it gets nothing
	}
	part := max(1, s.Total/(max(s.before, len(s.taken))+1))
	if s.sum >= s.Total || n >= min(part, s.Most) {
		return false
	}
	s.taken[network]++
	s.sum++
	return true
}
