package boltledger

import (
	"context"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Renew implements Ledger.
func (l *Ledger) Renew(ctx context.Context, s ledger.Observation) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	s, err := s.Normal()
	if err != nil {
		return err
	}
	var c ledger.Change
	return l.writer.run(func(tx *bolt.Tx) (bool, error) {
		t := tables{tx}
		p, err := absent(t.byOpenID(s.AppID, s.OpenID))
		if err != nil {
			return false, err
		}
		if c, err = s.Renew(p); err != nil || !c.Dirty {
			return false, err
		}
		return true, t.put(&c.Person)
	}, func() { l.publish(&c) })
}
