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

// stripes makes changes of the same persons queue up within this instance.
// Changes are exact without it; it makes them faster, and keeps their events in
// order.
type stripes struct {
	once  sync.Once
	seed  maphash.Seed
	locks [16384]chan struct{} // each holds one token
}

// stripeLease holds the locked stripes, in ascending order.
type stripeLease struct {
	s    *stripes
	held []int
}

// take returns a lease of all the names. It replaces the old lease, which is
// kept if it has them all, and released first if not, so that no two callers
// wait for each other.
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
		case <-ctx.Done(): // the caller ahead waits for Redis, too
			l.release()
			return stripeLease{}, fmt.Errorf("%w: other calls wait to change the same persons", ledger.ErrUnavailable)
		}
	}
	return l, nil
}

func (l stripeLease) release() {
	for _, i := range l.held {
		<-l.s.locks[i]
	}
}
