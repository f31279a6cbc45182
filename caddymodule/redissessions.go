package caddymodule

import (
	"github.com/caddy-wechat/gateway/internal/fleetredis"
	"github.com/caddy-wechat/gateway/internal/live"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/session"
)

// redisSessions is what one Redis holds that is sealed with session keys, as one
// set of keys and times sees it.
type redisSessions struct {
	store  *session.Redis
	near   *session.CachedStore
	memory site.Memory
	tokens fleetredis.Tokens
	live   live.List
}

// newRedisSessions looks at a Redis with the keys and times of one configuration.
// What the one before remembers serves these visitors too while Redis is down, as
// far as the keys open it.
func newRedisSessions(p redisPlan, state *redisState, deps storeDeps) *redisSessions {
	s := new(redisSessions)
	s.store = &session.Redis{
		Client: state.client, Keys: deps.keys, Policy: deps.policy, Prefix: p.Prefix,
		// Visitors who signed in while the store was local stay signed in.
		Sealed: &session.Sealed{Keys: deps.keys, Policy: deps.policy, Tombstones: state.ledger},
	}
	s.near = state.near.WithConfig(s.store, deps.policy)
	s.memory.Once.Shared, s.memory.Once.Keys = fleetredis.Shared{Client: state.client, Prefix: p.keyPrefix()}, deps.keys
	s.tokens = fleetredis.Tokens{Client: state.client, Prefix: p.keyPrefix(), Keys: deps.keys}
	return s
}

// Destruct cuts the requests that were let in by these keys and still run (attack:
// a socket that a stolen key opened outlives the key). The rest is the redisState's.
func (s *redisSessions) Destruct() error { return s.live.Close() }
