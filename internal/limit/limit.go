package limit

import (
	"hash/maphash"
	"sync"
	"time"
)

// Rate is how often something may happen: Burst times at once, then once every
// interval.
type Rate struct {
	Burst int
	Every time.Duration
}

// spend takes one from a budget that will be full again at the time whole. It
// returns the new time, and false if the budget is used up.
func (r Rate) spend(whole, now time.Time) (time.Time, bool) {
	if whole.Before(now) {
		whole = now
	}
	if whole.Sub(now) > time.Duration(r.Burst-1)*r.Every {
		return whole, false
	}
	return whole.Add(r.Every), true
}

// One limits how often one thing happens. The zero value is ready.
type One struct {
	mu    sync.Mutex
	whole time.Time
}

// Take reports whether it may happen once more, and counts it.
func (l *One) Take(r Rate) (ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.whole, ok = r.spend(l.whole, time.Now())
	return ok
}

const (
	// maxLimited bounds the keys that have their own budget.
	maxLimited = 65536
	// sharedBudgets is the number of budgets for further keys. Several keys
	// share one.
	sharedBudgets = 4096
	// limitedPrune is how many budgets each call checks for removal.
	limitedPrune = 16
)

// Keyed limits how often each of many does something, in bounded memory. It
// never forgets a budget before it is full again (attack: a flood of other keys
// evicts the attacker's own used-up key). A key that finds no room shares a
// budget with others. The zero value is ready.
type Keyed struct {
	mu     sync.Mutex
	seed   maphash.Seed // secret: no one can choose keys that share a budget
	own    map[uint64]budget
	shared []time.Time // when each is full again
}

// budget is the remaining budget of one key.
type budget struct {
	whole time.Time // when it is full again
	last  uint64    // the hash of the last what
}

// Take reports whether key may act once more, and counts it. what names the
// action: if it is the same as in the key's last call, again is true and
// nothing is counted. "" never repeats.
func (l *Keyed) Take(key, what string, r Rate) (ok, again bool) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.own == nil {
		l.seed, l.own, l.shared = maphash.MakeSeed(), make(map[uint64]budget), make([]time.Time, sharedBudgets)
	}
	l.prune(now)
	hash, name := maphash.String(l.seed, key), maphash.String(l.seed, what)
	b, known := l.own[hash]
	if known && what != "" && b.last == name {
		return true, true
	}
	shared := &l.shared[hash%sharedBudgets]
	if !known {
		b.whole = *shared // what the key has spent in the shared budget
	}
	whole, ok := r.spend(b.whole, now)
	switch {
	case !ok:
	case !known && len(l.own) >= maxLimited:
		*shared = whole
	default:
		l.own[hash] = budget{whole, name}
	}
	return ok, false
}

// prune drops budgets that are full again, a few at a time.
func (l *Keyed) prune(now time.Time) {
	looked := 0
	for hash, b := range l.own {
		if !now.Before(b.whole) {
			delete(l.own, hash)
		}
		if looked++; looked >= limitedPrune {
			return
		}
	}
}
