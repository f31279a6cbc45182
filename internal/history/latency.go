package history

import (
	"math"

	"github.com/caddy-wechat/gateway/internal/counters"
)

// Latency is how long calls took.
type Latency struct {
	Calls uint64  `json:"calls"`
	P50   float64 `json:"p50_ms"` // half of the calls took no longer
	P95   float64 `json:"p95_ms"` // 19 of 20 calls took no longer
}

// latencyOf returns the latency of the calls after before, nil for none.
func latencyOf(now, before counters.Sums) *Latency {
	if now.Count <= before.Count {
		return nil
	}
	upTo := make([]uint64, 0, len(counters.Bounds))
	for _, bound := range counters.Bounds {
		upTo = append(upTo, now.UpTo[bound]-before.UpTo[bound])
	}
	n := now.Count - before.Count
	return &Latency{Calls: n, P50: quantile(upTo, n, 0.5), P95: quantile(upTo, n, 0.95)}
}

// quantile estimates, in milliseconds, how long the given share of n calls took
// at most. Between two bounds the calls count as evenly spread; a call above
// the last bound counts as that bound. upTo has, by bound, how many calls were
// no longer.
func quantile(upTo []uint64, n uint64, share float64) float64 {
	rank := share * float64(n)
	lower, below := 0.0, 0.0
	for i, count := range upTo {
		upper, c := counters.Bounds[i], float64(count)
		if c >= rank && c > below {
			return milliseconds(lower + (upper-lower)*(rank-below)/(c-below))
		}
		lower, below = upper, c
	}
	return milliseconds(counters.Bounds[len(counters.Bounds)-1])
}

// milliseconds converts seconds, and rounds to a tenth: more would be guessed.
func milliseconds(seconds float64) float64 { return math.Round(seconds*10_000) / 10 }
