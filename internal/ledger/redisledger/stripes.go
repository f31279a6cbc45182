package redisledger

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// stripes lets those who change the same persons stand in line, within this instance. It is no part of what makes
// changes exact, only of what makes them quick, and their events orderly.
type stripes struct {
	once  sync.Once
	seed  maphash.Seed
	locks [16384]chan struct{} // each holds one token
}

// stripeLease is what is locked, in ascending order.
type stripeLease struct {
	s    *stripes
	held []int
}

// take returns a lease of all the names. The old lease, whose place it takes, is kept if it has them all, and released
// if not, so that two who wait for each other cannot be.
func (s *stripes) take(ctx context.Context, old stripeLease, names []string, patience time.Duration) (stripeLease, error) {
	s.once.Do(func() {
		s.seed = maphash.MakeSeed()
		for i := range s.locks {
			s.locks[i] = make(chan struct{}, 1)
		}
	})
	var want []int
	for _, name := range names {
		if name != "" {
			want = append(want, int(maphash.String(s.seed, name)%uint64(len(s.locks))))
		}
	}
	slices.Sort(want)
	want = slices.Compact(want)
	if !slices.ContainsFunc(want, func(i int) bool { return !slices.Contains(old.held, i) }) {
		return old, nil
	}
	old.release()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	l := stripeLease{s: s}
	for _, i := range want {
		select {
		case s.locks[i] <- struct{}{}:
			l.held = append(l.held, i)
		case <-ctx.Done(): // whoever is ahead waits for Redis, too
			l.release()
			return stripeLease{}, fmt.Errorf("%w: others wait to change the same persons", ledger.ErrUnavailable)
		}
	}
	return l, nil
}

func (l stripeLease) release() {
	for _, i := range l.held {
		<-l.s.locks[i]
	}
}
