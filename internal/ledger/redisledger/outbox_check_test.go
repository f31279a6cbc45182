package redisledger

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

func posted(l *Ledger, target string) (*ledgertest.Posted, error) {
	ctx, p, keys := context.Background(), ledgertest.NewPosted(), l.queueKeys(target)
	var errs [8]error
	var entries, states, dead map[string]string
	var lines []string
	entries, errs[0] = l.Client.HGetAll(ctx, keys[0]).Result()
	states, errs[1] = l.Client.HGetAll(ctx, keys[1]).Result()
	lines, errs[2] = l.Client.ZRange(ctx, keys[3], 0, -1).Result()
	p.Due, errs[3] = l.Client.ZRange(ctx, keys[4], 0, -1).Result()
	dead, errs[4] = l.Client.HGetAll(ctx, keys[5]).Result()
	p.Buried, errs[5] = l.Client.ZRange(ctx, keys[6], 0, -1).Result()
	p.Counted[0], p.Counted[1], errs[6] = l.Waiting(ctx, target)
	for id, entry := range entries {
		d, err := parseDelivery(states[id], entry)
		if err != nil || d.ID != id {
			return nil, fmt.Errorf("entry %s: %w", id, err)
		}
		p.Waiting[id], p.LineOf[id] = d, entry[kept15:kept15+ledger.LineLength]
		delete(states, id)
	}
	if len(states) != 0 {
		errs[7] = fmt.Errorf("states without entries: %v", states)
	}
	for _, m := range lines {
		line := m[:ledger.LineLength]
		p.Lines[line] = append(p.Lines[line], m[45:])
	}
	for _, list := range [][]string{p.Due, p.Buried} {
		for i, m := range list {
			_, list[i], _ = strings.Cut(m, ":")
		}
	}
	for id, value := range dead {
		d, err := parseDead(value)
		if err != nil || d.ID != id {
			return nil, fmt.Errorf("dead letter %s: %w", id, err)
		}
		p.Dead[id] = d
	}
	return p, errors.Join(append(errs[:], checkKinds(l, p, keys))...)
}

// checkOutbox looks at the queues of all targets.
func checkOutbox(l *Ledger) error {
	names := map[string]bool{}
	keys, err := allKeys(l)
	for _, key := range keys {
		if _, rest, ok := strings.Cut(key, "{l}:out:"); ok {
			name, _, _ := strings.Cut(rest, ":")
			names[name] = true
		}
	}
	for name := range names {
		p, perr := posted(l, name)
		if err = errors.Join(err, perr); perr == nil {
			err = errors.Join(err, p.Check())
		}
	}
	return err
}

// allKeys lists the keys of the ledger. They are all on one node of a Cluster.
func allKeys(r *Ledger) (keys []string, err error) {
	ctx := context.Background()
	scan := func(c redis.Cmdable) error {
		i := c.Scan(ctx, 0, r.key("out:*"), 1000).Iterator()
		for i.Next(ctx) {
			keys = append(keys, i.Val())
		}
		return i.Err()
	}
	c, ok := r.Client.(*redis.ClusterClient)
	if !ok {
		return keys, scan(r.Client)
	}
	node, err := c.MasterForKey(ctx, r.key("person"))
	if err != nil {
		return nil, err
	}
	return keys, scan(node)
}
