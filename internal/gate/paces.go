package gate

import (
	"sync"
	"time"
)

// maxPaced bounds those who are counted. Each has signed in.
const maxPaced = 65536

// paces counts what each of many may do so often in a minute. The zero value is ready.
type paces struct {
	mu  sync.Mutex
	all map[string]pace
}

// pace is how often somebody has done it since when.
type pace struct {
	since time.Time
	n     int
}

// take reports whether who may do it once more.
func (s *paces) take(who string, limit int) bool {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[string]pace)
	}
	p, known := s.all[who]
	if !known && len(s.all) >= maxPaced {
		for k, old := range s.all {
			if now.Sub(old.since) >= time.Minute || len(s.all) > maxPaced/8*7 {
				delete(s.all, k)
			}
		}
	}
	if now.Sub(p.since) >= time.Minute {
		p = pace{since: now}
	}
	p.n = min(p.n+1, limit+1)
	s.all[who] = p
	return p.n <= limit
}
