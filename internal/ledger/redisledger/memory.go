package redisledger

import (
	"context"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// noEviction is the only policy under which Redis never drops data by itself.
const noEviction = "noeviction"

// checkServers warns once in the log if this Redis may lose data. A Redis that
// does not report its settings is not warned about.
func (s *server) checkServers(ctx context.Context) {
	if s.Logger == nil {
		return
	}
	once, cancel := s.once(ctx)
	defer cancel()
	check := func(ctx context.Context, server redis.Cmdable) {
		s.checkMemory(ctx, server)
		s.checkDisk(ctx, server)
	}
	if cluster, ok := s.Client.(*redis.ClusterClient); ok {
		_ = cluster.ForEachMaster(once, func(ctx context.Context, node *redis.Client) error {
			check(ctx, node)
			return nil
		})
		return
	}
	check(once, s.Client)
}

func (s *server) checkMemory(ctx context.Context, server redis.Cmdable) {
	info, err := server.Info(ctx, "memory").Result()
	if err != nil {
		return
	}
	if policy := infoField(info, "maxmemory_policy"); policy != "" && policy != noEviction && ledger.Printable(policy, 64) {
		s.told.eviction.Do(func() {
			s.Logger.Warn("Redis drops data when its memory is full, which signs visitors out: set maxmemory-policy noeviction",
				"maxmemory_policy", policy)
		})
	}
}

// infoField returns a field of an INFO answer, "" if it is not there.
func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			return value
		}
	}
	return ""
}

// readyFor is the TTL of the key that Ready writes to prove that Redis accepts
// writes.
const readyFor = time.Second

// Ready implements Ledger. It writes a key in the ledger's slot, which a
// replica and a Redis without memory refuse.
func (l *Ledger) Ready(ctx context.Context) error {
	if err := l.begin(ctx); err != nil {
		return err
	}
	defer l.work.Done()
	once, cancel := l.once(ctx)
	defer cancel()
	return l.failed("asking whether it can be written", l.Client.Set(once, l.key("ready"), "1", readyFor).Err())
}
