package ledger

import (
	"context"
	"time"
)

// readyFor is how long the word lasts by which Redis proves that it takes writes.
const readyFor = time.Second

// Ready implements Ledger.
func (b *Bolt) Ready(ctx context.Context) error { return b.ready(ctx) }

// Ready implements Ledger: by a write, which a replica and a Redis without memory refuse, where the ledger's own are.
func (r *Redis) Ready(ctx context.Context) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.work.Done()
	once, cancel := r.once(ctx)
	defer cancel()
	return r.failed("asking whether it can be written", r.Client.Set(once, r.key("ready"), "1", readyFor).Err())
}
