package caddymodule

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/caddy-wechat/gateway/internal/counters"
)

const (
	// recentSpan is how far the status looks back at sign-ins.
	recentSpan = time.Hour
	// recentRound is how often the counters are noted.
	recentRound = time.Minute
)

// recent remembers the counters of sign-ins of the last hour. It belongs to the
// process, as the counters do: a reload forgets nothing.
var recent recentSignIns

// recentSignIns holds what the counters were, minute by minute. The zero value
// is ready. Its size is bounded by recentSpan and by the words of the ends.
type recentSignIns struct {
	mu    sync.Mutex
	noted []signInTotals // the oldest is the first
}

// signInTotals is how many sign-ins had ended at a time, by end.
type signInTotals struct {
	at    time.Time
	ended map[string]uint64
}

// finishedSignIns is how many sign-ins have ended since a time, by end, without
// those that did not happen.
type finishedSignIns struct {
	Since    time.Time         `json:"since"`
	Finished map[string]uint64 `json:"finished"`
}

// note remembers the counters, once in a round.
func (r *recentSignIns) note(now time.Time, ended map[string]uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.noted); n > 0 && now.Sub(r.noted[n-1].at) < recentRound/2 {
		return // two configurations note during a reload
	}
	r.noted = append(r.noted, signInTotals{now, ended})
	// The newest one that is an hour old stays: the hour begins with it.
	old := 0
	for old+1 < len(r.noted) && now.Sub(r.noted[old+1].at) >= recentSpan {
		old++
	}
	r.noted = slices.Delete(r.noted, 0, old)
}

// since returns the sign-ins of the last hour, or since the gateway began to
// count.
func (r *recentSignIns) since(now time.Time) finishedSignIns {
	return r.between(now, endedSignIns())
}

func (r *recentSignIns) between(now time.Time, ended map[string]uint64) finishedSignIns {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := finishedSignIns{Since: now.UTC(), Finished: map[string]uint64{}}
	if len(r.noted) == 0 {
		return f
	}
	f.Since = r.noted[0].at.UTC()
	for end, n := range ended {
		if n -= r.noted[0].ended[end]; n > 0 {
			f.Finished[end] = n
		}
	}
	return f
}

// endedSignIns returns how many sign-ins have ended in this process, by end.
func endedSignIns() map[string]uint64 {
	totals := map[string]uint64{}
	counts.sites.SignIns.Ended.Each(func(labels []string, n *counters.Counter) {
		totals[labels[2]] += n.Load() // account, way and end
	})
	return totals
}

// noteSignIns notes the counters until ctx ends.
func (a *App) noteSignIns(ctx context.Context) {
	recent.note(time.Now(), endedSignIns())
	a.running.Go(func() {
		ticker := time.NewTicker(recentRound)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case now := <-ticker.C:
				recent.note(now, endedSignIns())
			}
		}
	})
}
