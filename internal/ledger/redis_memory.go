package ledger

import (
	"context"
	"strings"
)

// noEviction is the only policy under which Redis throws nothing away by itself.
const noEviction = "noeviction"

// checkMemory says once, where an operator can read it, that this Redis would throw away what it was given to keep. A
// Redis that does not tell is taken at its word.
func (r *Redis) checkMemory(ctx context.Context) {
	if r.Logger == nil {
		return
	}
	once, cancel := r.once(ctx)
	defer cancel()
	info, err := r.Client.Info(once, "memory").Result()
	if err != nil {
		return
	}
	policy := noEviction
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "maxmemory_policy:"); ok {
			policy = value
		}
	}
	if policy != noEviction && words(policy, 64) {
		r.memory.Do(func() {
			r.Logger.Warn("Redis throws data away when its memory is full, and signs visitors out: set maxmemory-policy noeviction",
				"maxmemory_policy", policy)
		})
	}
}
