package redisledger

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// fieldIdentity is the store's own id in the table meta. Older gateways ignore
// it.
const fieldIdentity = "identity"

// Identity implements ledger.Identified.
func (l *Ledger) Identity(ctx context.Context) (string, error) {
	if err := l.begin(ctx); err != nil {
		return "", err
	}
	defer l.work.Done()
	once, cancel := l.once(ctx)
	defer cancel()
	id, err := l.readIdentity(once)
	if errors.Is(err, redis.Nil) {
		// The first gateway of several decides: all read what it wrote.
		if err = l.Client.HSetNX(once, l.key("meta"), fieldIdentity, ledger.NewID()).Err(); err == nil {
			id, err = l.readIdentity(once)
		}
	}
	l.answer(err)
	if err != nil {
		return "", l.failed("reading the ledger's id", err)
	}
	return id, nil
}

func (l *Ledger) readIdentity(ctx context.Context) (string, error) {
	return l.Client.HGet(ctx, l.key("meta"), fieldIdentity).Result()
}

var _ ledger.Identified = (*Ledger)(nil)
