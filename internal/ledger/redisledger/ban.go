package redisledger

import (
	"context"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Ban implements Ledger. It reaches other instances within Stale.
func (l *Ledger) Ban(ctx context.Context, person string, at time.Time) error {
	if err := l.begin(ctx); err != nil {
		return err
	}
	defer l.work.Done()
	if !ledger.ValidID(person) {
		return ledger.ErrNotFound
	}
	l.banning.Lock()
	defer l.banning.Unlock()
	return l.rounds(ctx, func() (plan, error) {
		stamp, err := l.ends.loadBans(ctx)
		if err != nil {
			return plan{}, err
		}
		v, err := l.look(ctx, ledger.Query{ID: person})
		if err != nil {
			return plan{}, err
		}
		if v.id.person == nil {
			return plan{}, ledger.ErrNotFound
		}
		changed, err := l.ends.bans.Ban(v.id.person, at)
		if err != nil || len(changed) == 0 {
			return plan{}, err
		}
		b := newBatch()
		b.expectPerson(v.id)
		return plan{batch: b, names: v.id.person.IDs()}, b.changeBans(&l.ends, stamp, changed, nil)
	}, func(int) {})
}

// Unban implements Ledger. It reaches other instances within Stale.
func (l *Ledger) Unban(ctx context.Context, name string) error {
	if err := l.begin(ctx); err != nil {
		return err
	}
	defer l.work.Done()
	l.banning.Lock()
	defer l.banning.Unlock()
	return l.rounds(ctx, func() (plan, error) {
		stamp, err := l.ends.loadBans(ctx)
		if err != nil {
			return plan{}, err
		}
		ids, err := ledger.BansToLift(&l.ends.bans.BanSet, name, func(id string) (ledger.Person, error) { return l.Find(ctx, id) })
		if err != nil {
			return plan{}, err
		}
		b := newBatch()
		return plan{batch: b, names: []string{name}}, b.changeBans(&l.ends, stamp, nil, ids)
	}, func(int) {})
}

// Banned implements Ledger. It waits as Ended does.
func (l *Ledger) Banned(p *ledger.Person) bool {
	l.ends.known.pass()
	return l.ends.bans.Has(p)
}

// ListBans implements Ledger. It asks Redis for changes. An unreadable ban is
// ErrCorrupt: an export without it would let a banned person in.
func (l *Ledger) ListBans(ctx context.Context) ([]ledger.Ban, error) {
	if err := l.begin(ctx); err != nil {
		return nil, err
	}
	defer l.work.Done()
	if _, err := l.ends.loadBans(ctx); err != nil {
		return nil, err
	}
	return l.ends.bans.whole()
}

// ImportBan implements Ledger. It reaches other instances within Stale.
func (l *Ledger) ImportBan(ctx context.Context, ban ledger.Ban) error {
	if err := l.begin(ctx); err != nil {
		return err
	}
	defer l.work.Done()
	l.banning.Lock()
	defer l.banning.Unlock()
	return l.rounds(ctx, func() (plan, error) {
		stamp, err := l.ends.loadBans(ctx)
		if err != nil {
			return plan{}, err
		}
		add, ok, err := l.ends.bans.Import(ban)
		if err != nil || !ok {
			return plan{}, err
		}
		b := newBatch()
		return plan{batch: b, names: []string{ban.ID}}, b.changeBans(&l.ends, stamp, []ledger.Ban{add}, nil)
	}, func(int) {})
}
