package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/fleetredis"
	"github.com/caddy-wechat/gateway/internal/heartbeat"
	"github.com/caddy-wechat/gateway/internal/ledger/redisledger"
	"github.com/caddy-wechat/gateway/internal/scan"
	"github.com/caddy-wechat/gateway/internal/signout"
	"github.com/caddy-wechat/gateway/session"
)

// redisState is one Redis and what this process remembers of it. It outlives
// reloads that do not change the store's options: nobody who is signed in notices
// one, not even while Redis is down.
type redisState struct {
	client redis.UniversalClient
	hears  *heartbeat.Connection // ledger and near listen to it
	ledger *redisledger.Ledger
	near   *session.CachedStore // has the memory and the channel, and no store: see redisSessions
	wake   waker
	scans  scan.Board
	ends   signout.Unfinished
}

// newRedisState prepares everything and connects nowhere: a Redis that is down
// when Caddy starts is tried again for as long as it takes.
func newRedisState(p redisPlan) (*redisState, error) {
	client, err := p.client()
	if err != nil {
		return nil, err
	}
	log := liveLogger("wechat.stores.redis")
	s := &redisState{client: client, hears: &heartbeat.Connection{Bus: heartbeat.Redis{Client: client}}}
	s.ends.Logger = liveLogger("wechat.ends")
	s.ledger = redisledger.New(redisledger.Options{
		Client: client, Prefix: p.Prefix, StaleIfDown: p.StaleIfDown, Heartbeat: s.hears, Logger: log, Wake: s.wake.wake,
	})
	s.near = &session.CachedStore{
		StaleIfDown: p.StaleIfDown, Logger: log,
		// With the round of live.List, an end cuts a socket within the second.
		Stale: 500 * time.Millisecond,
		Bus:   &heartbeat.Channel{Connection: s.hears, Name: (&session.Redis{Prefix: p.Prefix}).Channel()},
	}
	s.scans.Shared = fleetredis.Shared{Client: client, Prefix: p.keyPrefix() + "scan:"}
	s.ledger.Start() // first: in a Cluster, its node carries the connection
	s.near.Start()
	s.hears.Start()
	return s, nil
}

// Destruct lets go of Redis when the last configuration has.
func (s *redisState) Destruct() error {
	return errors.Join(s.ends.Close(), s.hears.Close(), s.near.Close(), s.ledger.Close(), s.client.Close())
}

func (p redisPlan) keyPrefix() string {
	if p.Prefix == "" {
		return session.DefaultPrefix
	}
	return p.Prefix
}

func (s *RedisStore) open(deps storeDeps) (opened, error) {
	stateKey, sessionsKey, err := s.poolKeys(deps)
	if err != nil {
		return opened{}, err
	}
	value, _, err := pool.LoadOrNew(stateKey, func() (caddy.Destructor, error) { return newRedisState(s.plan) })
	if err != nil {
		return opened{}, err
	}
	release := func() error {
		_, err := pool.Delete(stateKey)
		return err
	}
	state := value.(*redisState)
	value, _, err = pool.LoadOrNew(sessionsKey, func() (caddy.Destructor, error) { return newRedisSessions(s.plan, state, deps), nil })
	if err != nil {
		return opened{}, errors.Join(err, release())
	}
	sessions := value.(*redisSessions)
	return opened{
		ledger:   state.ledger,
		sessions: sessions.near,
		askStore: true,
		ended:    state.ledger.Ended, // sealed sessions, and those behind a ticket; the store knows its own
		// What WeChat says was withdrawn ends sessions in one step with the change.
		personEnded: state.ledger.PersonEnded,
		directory:   sessions.store,
		memory:      &sessions.memory,
		ends:        &state.ends,
		live:        &sessions.live,
		wake:        &state.wake,
		scans:       &state.scans,
		tokens:      sessions.tokens,
		release: func() error {
			_, err := pool.Delete(sessionsKey)
			return errors.Join(err, release())
		},
	}, nil
}

// goRedisLog sends what go-redis would print on stderr to Caddy's log.
type goRedisLog struct{}

func (goRedisLog) Printf(ctx context.Context, format string, v ...any) {
	liveLogger("wechat.stores.redis").DebugContext(ctx, "go-redis", slog.String("message", fmt.Sprintf(format, v...)))
}

func init() { redis.SetLogger(goRedisLog{}) }

var _ store = (*RedisStore)(nil)
