package redisledger

import (
	"context"
	"fmt"
	"strings"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

// checkKinds looks at both indexes of a queue.
func checkKinds(l *Ledger, p *ledgertest.Posted, keys []string) error {
	read := func(key string, parts int) (map[string]ledger.EventKind, error) {
		members, err := l.Client.ZRange(context.Background(), key, 0, -1).Result()
		found := map[string]ledger.EventKind{}
		for _, m := range members {
			f := strings.Split(m, ":")
			if len(f) != parts {
				return nil, fmt.Errorf("outbox: the member %q of %s", m, key)
			}
			id := f[parts-1]
			for found[id] != "" {
				id += " again" // a fault, which kindsFault finds
			}
			found[id] = ledger.EventKind(f[0])
		}
		return found, err
	}
	var err error
	if p.Kinds, err = read(keys[7], 3); err != nil {
		return err
	}
	p.DeadKinds, err = read(keys[8], 4)
	return err
}
