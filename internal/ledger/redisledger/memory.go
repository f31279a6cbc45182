package redisledger

import (
	"context"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// noEviction is the only policy under which Redis throws nothing away by itself.
const noEviction = "noeviction"

// checkServers says once, where an operator can read it, that this Redis may lose what it was given to keep. A Redis
// that does not tell is taken at its word.
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
			s.Logger.Warn("Redis throws data away when its memory is full, and signs visitors out: set maxmemory-policy noeviction",
				"maxmemory_policy", policy)
		})
	}
}

// infoField returns a field of what INFO answered, "" if it is not there.
func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			return value
		}
	}
	return ""
}

// readyFor is how long the word lasts by which Redis proves that it takes writes.
const readyFor = time.Second

// Ready implements Ledger: by a write, which a replica and a Redis without memory refuse, where the ledger's own are.
func (l *Ledger) Ready(ctx context.Context) error {
	if err := l.begin(ctx); err != nil {
		return err
	}
	defer l.work.Done()
	once, cancel := l.once(ctx)
	defer cancel()
	return l.failed("asking whether it can be written", l.Client.Set(once, l.key("ready"), "1", readyFor).Err())
}
