package caddymodule

import (
	"github.com/caddy-wechat/gateway/internal/fleetredis"
	"github.com/caddy-wechat/gateway/internal/live"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/session"
)

// redisSessions is the data in one Redis that is sealed with session keys, seen
// with one set of keys and session times.
type redisSessions struct {
	store  *session.Redis
	near   *session.CachedStore
	memory site.Memory
	tokens fleetredis.Tokens
	live   live.List
}

// newRedisSessions opens a Redis with the keys and session times of one
// configuration. It shares the cache of the configuration before, so that
// visitors stay signed in while Redis is down, as far as the keys open their
// sessions.
func newRedisSessions(p redisPlan, state *redisState, deps storeDeps) *redisSessions {
	s := new(redisSessions)
	s.store = &session.Redis{
		Client: state.client, Keys: deps.keys, Policy: deps.policy, Prefix: p.Prefix,
		// Visitors who signed in while the store was local stay signed in.
		Sealed: &session.Sealed{Keys: deps.keys, Policy: deps.policy, Tombstones: state.ledger},
	}
	s.near = state.near.WithConfig(s.store, deps.policy)
	s.memory.Once.Shared, s.memory.Once.Keys = fleetredis.Shared{Client: state.client, Prefix: p.keyPrefix()}, deps.keys
	s.memory.Once.Refusals = &counts.refused
	s.tokens = fleetredis.Tokens{Client: state.client, Prefix: p.keyPrefix(), Keys: deps.keys}
	return s
}

// Destruct cuts running requests that were admitted with these keys (attack: a
// socket that a stolen key opened outlives the key). redisState closes the
// rest.
func (s *redisSessions) Destruct() error { return s.live.Close() }
