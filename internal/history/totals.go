package history

import (
	"github.com/caddy-wechat/gateway/internal/counters"
)

// Totals are what a process has counted since it began. They only grow.
type Totals struct {
	Started  uint64            // sign-ins that began
	Finished map[string]uint64 // sign-ins that ended, by outcome
	Errcodes map[string]uint64 // WeChat's answers, by error code or another result
	Calls    counters.Sums     // durations of the calls of WeChat's API
}

// since returns the bucket of what was counted after base.
func (t *Totals) since(base *Totals) Bucket {
	return Bucket{
		Started:  t.Started - base.Started,
		Finished: grown(t.Finished, base.Finished),
		Errcodes: grown(t.Errcodes, base.Errcodes),
		Latency:  latencyOf(t.Calls, base.Calls),
	}
}

// grown returns the numbers that are higher than before, by how much.
func grown(now, before map[string]uint64) map[string]uint64 {
	all := make(map[string]uint64)
	for name, n := range now {
		if n > before[name] {
			all[name] = n - before[name]
		}
	}
	return all
}
