package webhook

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// box is an outbox in memory whose store can fail; the real ones are in
// ledger_test.go.
type box struct {
	mu            sync.Mutex
	waiting, dead []ledger.Delivery
	owner         string
	until         time.Time
	broken        func(method string) error // asked at each call; nil is healthy
	noted         []string                  // "sent <id>", "postpone <id>", …
	expired       int                       // calls of Expire
}

func newContext(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}

func (b *box) put(events ...ledger.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range events {
		b.waiting = append(b.waiting, ledger.Delivery{Event: e, First: time.Now()})
	}
}

func (b *box) left() (waiting, dead []ledger.Delivery) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.waiting), slices.Clone(b.dead)
}

func (b *box) notes() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.noted)
}

func (b *box) fault(ctx context.Context, method string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.broken != nil {
		return b.broken(method)
	}
	return nil
}

func (b *box) Due(ctx context.Context, _ string, now time.Time, limit int) (due []ledger.Delivery, next time.Time, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.fault(ctx, "due"); err != nil {
		return nil, next, err
	}
	seen := map[string]bool{}
	for _, d := range b.waiting {
		if d.Person != "" && seen[d.Person] {
			continue
		}
		seen[d.Person] = true
		switch {
		case d.Next.After(now):
			if next.IsZero() || d.Next.Before(next) {
				next = d.Next
			}
		case len(due) < limit:
			due = append(due, d)
		}
	}
	return due, next, nil
}

func (b *box) note(ctx context.Context, method, id string, change func(*ledger.Delivery) (keep bool)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.fault(ctx, method); err != nil {
		return err
	}
	b.noted = append(b.noted, method+" "+id)
	if i := slices.IndexFunc(b.waiting, func(d ledger.Delivery) bool { return d.ID == id }); i >= 0 && !change(&b.waiting[i]) {
		b.waiting = slices.Delete(b.waiting, i, i+1)
	}
	return nil
}

func (b *box) Sent(ctx context.Context, _, id string) error {
	return b.note(ctx, "sent", id, func(*ledger.Delivery) bool { return false })
}

func (b *box) Postpone(ctx context.Context, _, id string, next time.Time, reason string) error {
	return b.note(ctx, "postpone", id, func(d *ledger.Delivery) bool {
		if d.Attempts == 0 {
			d.First = time.Now()
		}
		d.Attempts, d.Next, d.Reason = d.Attempts+1, next, reason
		return true
	})
}

func (b *box) Bury(ctx context.Context, _, id, reason string) error {
	return b.note(ctx, "bury", id, func(d *ledger.Delivery) bool {
		d.Reason = reason
		b.dead = append(b.dead, *d)
		return false
	})
}

func (b *box) Expire(ctx context.Context, _ string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expired++
	return b.fault(ctx, "expire")
}

func (b *box) Lease(ctx context.Context, _, owner string, ttl time.Duration) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.fault(ctx, "lease "+owner); err != nil {
		return false, err
	}
	if b.owner != "" && b.owner != owner && time.Now().Before(b.until) {
		return false, nil
	}
	b.owner, b.until = owner, time.Now().Add(ttl)
	return true, nil
}

func (b *box) Release(ctx context.Context, _, owner string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.fault(ctx, "release"); err != nil {
		return err
	}
	if b.owner == owner {
		b.owner = ""
	}
	return nil
}
