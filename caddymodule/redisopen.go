package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/fleetredis"
	"github.com/caddy-wechat/gateway/internal/heartbeat"
	"github.com/caddy-wechat/gateway/internal/ledger/redisledger"
	"github.com/caddy-wechat/gateway/internal/redislog"
	"github.com/caddy-wechat/gateway/internal/scan"
	"github.com/caddy-wechat/gateway/internal/signout"
	"github.com/caddy-wechat/gateway/session"
)

// redisState is one Redis and what this process remembers of it. It outlives
// reloads that do not change the store's options, so that a reload signs no
// visitor out, not even while Redis is down.
type redisState struct {
	client redis.UniversalClient
	hears  *heartbeat.Connection // ledger and near listen to it
	ledger *redisledger.Ledger
	near   *session.CachedStore // has the memory and the channel, but no store: see redisSessions
	wake   waker
	scans  scan.Board
	ends   signout.Unfinished
}

// newRedisState does not wait for a connection: if Redis is down when Caddy
// starts, it is tried again until it answers.
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
		// Together with the interval of live.List, an ended session cuts its
		// sockets within a second.
		Stale: 500 * time.Millisecond,
		Watch: counts.watchSessions(),
		Bus:   &heartbeat.Channel{Connection: s.hears, Name: (&session.Redis{Prefix: p.Prefix}).Channel()},
	}
	s.scans.Shared = fleetredis.Shared{Client: client, Prefix: p.keyPrefix() + "scan:"}
	s.ledger.Start() // first: in a Cluster, the connection uses the ledger's node
	s.near.Start()
	s.hears.Start()
	return s, nil
}

// Destruct closes the connections to Redis after the last configuration has
// released them.
func (s *redisState) Destruct() error {
	return errors.Join(s.ends.Close(), s.hears.Close(), s.near.Close(), s.ledger.Close(), s.client.Close())
}

func (p redisPlan) keyPrefix() string {
	if p.Prefix == "" {
		return session.DefaultPrefix
	}
	return p.Prefix
}

// place says where the data is: a Redis, whoever asks it, and a prefix.
func (p redisPlan) place() string {
	return fmt.Sprintf("redis:%q %q %d %q", slices.Sorted(slices.Values(p.Addrs)), p.Master, p.DB, p.keyPrefix())
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
		ended:    state.ledger.Ended, // sealed sessions, and those behind a ticket; the store ends its own
		// A withdrawal that WeChat reports changes the ledger and ends the
		// sessions in one step.
		personEnded: state.ledger.PersonEnded,
		directory:   sessions.store,
		memory:      &sessions.memory,
		ends:        &state.ends,
		live:        &sessions.live,
		wake:        &state.wake,
		scans:       &state.scans,
		tokens:      sessions.tokens,
		ping:        func(ctx context.Context) error { return state.client.Ping(ctx).Err() },
		persons:     state.ledger.Count,
		place:       s.plan.place(),
		identity:    state.ledger.Identity,
		gateways:    &fleetredis.Gateways{Client: state.client, Prefix: s.plan.keyPrefix()},
		asks:        storeAsks{sessions: sessions.store.Ready, ledger: state.ledger.Ready, persistence: redisPersistence(state.ledger)},
		release: func() error {
			_, err := pool.Delete(sessionsKey)
			return errors.Join(err, release())
		},
	}, nil
}

func (*RedisStore) kind() string { return "redis" }

// go-redis has one logger for the whole process. Its messages go to the log of
// the running configuration instead of stderr.
func init() { redis.SetLogger(redislog.New(liveLogger("wechat.stores.redis"))) }

var _ store = (*RedisStore)(nil)
