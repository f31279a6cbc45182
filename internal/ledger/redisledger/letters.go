package redisledger

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Pending implements Outbox.
func (l *Ledger) Pending(ctx context.Context, target string, limit int) (all []ledger.Delivery, err error) {
	got, err := l.readTarget(ctx, target, pendingScript, ledger.ClampLimit(limit))
	if err != nil {
		return nil, err
	}
	for i := 0; i+1 < len(got); i += 2 {
		d, err := parseDelivery(got[i], got[i+1])
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// Letter implements Outbox.
func (l *Ledger) Letter(ctx context.Context, target, id string) (d ledger.Delivery, dead bool, err error) {
	got, err := l.readTarget(ctx, target, letterScript, id)
	switch {
	case err != nil:
		return ledger.Delivery{}, false, err
	case len(got) != 3:
		return ledger.Delivery{}, false, ledger.Corrupt("%d answers of the outbox", len(got))
	case got[1] != "":
		d, err = parseDelivery(got[0], got[1])
	case got[2] == "":
		return ledger.Delivery{}, false, ledger.ErrNotFound
	default:
		d, err = parseDead(got[2])
		dead = true
	}
	if err == nil && dead && time.Since(d.Next) >= ledger.DeadFor {
		err = ledger.ErrNotFound
	}
	if err != nil {
		return ledger.Delivery{}, false, err
	}
	return d, dead, nil
}

// readTarget runs a script that only reads on the keys of a target.
func (l *Ledger) readTarget(ctx context.Context, target string, script *redis.Script, args ...any) ([]string, error) {
	if err := l.beginTarget(ctx, target); err != nil {
		return nil, err
	}
	defer l.work.Done()
	ctx, cancel := l.once(ctx)
	defer cancel()
	got, err := script.Run(ctx, l.Client, l.queueKeys(target), args...).StringSlice()
	l.answer(err)
	return got, l.failed("reading the outbox", err)
}
