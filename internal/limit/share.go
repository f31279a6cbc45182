package limit

import (
	"net/netip"
	"sync"
	"time"
)

// maxSharing bounds the networks that share.
const maxSharing = 65536

// Share shares so many takes in a second among the networks that ask. Each may have
// an equal part, at most, and one more part is left for a network that comes only now
// (attack: a few networks use it all up at the beginning of each second).
type Share struct {
	Total int // in a second, of all
	Most  int // of one network

	mu     sync.Mutex
	since  time.Time
	taken  map[netip.Prefix]int
	sum    int
	before int // networks that asked in the second before
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
		s.taken[network] = 0 // it counts, whether it gets something or not
	}
	part := max(1, s.Total/(max(s.before, len(s.taken))+1))
	if s.sum >= s.Total || n >= min(part, s.Most) {
		return false
	}
	s.taken[network]++
	s.sum++
	return true
}
