package boltledger

import (
	"sync"
	"time"
)

// leaseTable records, within one process, which sender has the lease of which
// target. The zero value is ready. Targets are few: an entry stays until it is
// released or taken over.
type leaseTable struct {
	mu sync.Mutex
	of map[string]tenure
}

type tenure struct {
	owner string
	until time.Time
}

func (l *leaseTable) take(target, owner string, ttl time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if t, ok := l.of[target]; ok && t.owner != owner && now.Before(t.until) {
		return false
	}
	if l.of == nil {
		l.of = make(map[string]tenure)
	}
	l.of[target] = tenure{owner, now.Add(ttl)}
	return true
}

func (l *leaseTable) release(target, owner string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of[target].owner == owner {
		delete(l.of, target)
	}
}
