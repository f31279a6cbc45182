package caddymodule

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wechat/gateway/session"
)

func init() {
	caddy.RegisterModule(RedisStore{})
}

// RedisStore keeps persons and sessions in Redis 6.2 or later (one server,
// Sentinel or Cluster), for several gateways in front of the same sites. Visitors
// who were signed in while the store was `local` stay signed in.
type RedisStore struct {
	// The address: `redis://user:password@host:6379/0`; `rediss://` for TLS;
	// `redis+sentinel://host:26379,host:26379/master` and
	// `redis+cluster://host:6379,host:6379` for several hosts. Required.
	// Placeholders of the environment and of files are allowed, also for a part
	// of it.
	Address string `json:"address,omitempty"`

	// User name and password, when they do not stand in the address.
	// Placeholders of the environment and of files are allowed.
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`

	// User name and password of the Sentinels, when they ask for one.
	SentinelUsername string `json:"sentinel_username,omitempty"`
	SentinelPassword string `json:"sentinel_password,omitempty"`

	// For TLS: a file of authorities to trust instead of the system's, and a
	// client certificate with its key. Default: none.
	CA   string `json:"ca,omitempty"`
	Cert string `json:"cert,omitempty"`
	Key  string `json:"key,omitempty"`

	// What all keys in Redis begin with. Default: `wechat:`.
	Prefix string `json:"prefix,omitempty"`

	// How long visitors who were seen go on while Redis does not answer.
	// Default: 5m.
	StaleIfDown caddy.Duration `json:"stale_if_down,omitempty"`

	plan redisPlan
}

// defaultStaleIfDown is the default of stale_if_down.
const defaultStaleIfDown = 5 * time.Minute

// CaddyModule returns the Caddy module information.
func (RedisStore) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "wechat.stores.redis", New: func() caddy.Module { return new(RedisStore) }}
}

// Provision reads the address and the certificates, and connects nowhere.
func (s *RedisStore) Provision(ctx caddy.Context) error {
	plan, err := s.read()
	if err != nil {
		return fmt.Errorf("store redis: %w", err)
	}
	if err := (&session.Redis{Prefix: s.Prefix}).Check(); err != nil {
		return fmt.Errorf("store redis: prefix: %w", err)
	}
	s.plan = plan
	if s.hasLiteral() {
		ctx.Slogger().Warn("a password of Redis stands in the configuration; prefer {env.…} or {file.…}")
	}
	return nil
}

// hasLiteral reports whether a password stands in the configuration itself.
func (s *RedisStore) hasLiteral() bool {
	_, rest, _ := strings.Cut(s.Address, "://")
	userinfo, _ := cutUserinfo(rest)
	_, password, _ := strings.Cut(userinfo, ":")
	return isLiteral(password) || isLiteral(s.Password) || isLiteral(s.SentinelPassword)
}

// poolKeys names what the opened store depends on, without showing it: Redis with
// what is remembered of it by the store's own options; the sessions in it by those,
// the session keys and the session's times. A reload that changes any of it opens a
// new one beside the old.
func (s *RedisStore) poolKeys(deps storeDeps) (state, sessions string, err error) {
	plan, err := json.Marshal(s.plan) //nolint:gosec // hashed, and shown nowhere
	if err != nil {
		return "", "", fmt.Errorf("store redis: %w", err)
	}
	sum := sha256.Sum256(plan)
	state = "redis:" + hex.EncodeToString(sum[:])
	return state, deps.sessionsKey(state), nil
}

// Interface guards.
var _ caddy.Provisioner = (*RedisStore)(nil)
