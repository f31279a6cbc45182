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
// Sentinel or Cluster), for several gateways in front of the same sites.
// Visitors who signed in while the store was `local` stay signed in.
type RedisStore struct {
	// The address: `redis://user:password@host:6379/0`; `rediss://` for TLS;
	// `redis+sentinel://host:26379,host:26379/master` and
	// `redis+cluster://host:6379,host:6379` for several hosts. Required.
	// Placeholders of the environment and of files are allowed, also for a part
	// of the address.
	Address string `json:"address,omitempty"`

	// The user name, if it is not part of the address. Placeholders of the
	// environment and of files are allowed. Default: that of the address.
	Username string `json:"username,omitempty"`

	// The password, if it is not part of the address. Use a placeholder, such
	// as `{file./run/secrets/redis}`. A literal value causes a warning at each
	// start. Default: that of the address.
	Password string `json:"password,omitempty"`

	// The user name for the Sentinels, if they require one. Placeholders of the
	// environment and of files are allowed. Default: none.
	SentinelUsername string `json:"sentinel_username,omitempty"`

	// The password for the Sentinels, if they require one. Use a placeholder,
	// as for `password`. Default: none.
	SentinelPassword string `json:"sentinel_password,omitempty"`

	// A PEM file with the certificate authorities to trust, for TLS; the
	// address must begin with `rediss`. Default: the system's authorities.
	CA string `json:"ca,omitempty"`

	// A PEM file with a client certificate, for TLS. It needs `key`. Default:
	// none.
	Cert string `json:"cert,omitempty"`

	// The PEM file with the private key of `cert`. Default: none.
	Key string `json:"key,omitempty"`

	// The prefix of all keys in Redis: up to 64 visible ASCII characters
	// without braces. Default: `wechat:`.
	Prefix string `json:"prefix,omitempty"`

	// How long sessions that this gateway has recently checked stay valid while
	// Redis does not answer. Default: 5m.
	StaleIfDown caddy.Duration `json:"stale_if_down,omitempty"`

	plan redisPlan
}

// defaultStaleIfDown is the default of stale_if_down.
const defaultStaleIfDown = 5 * time.Minute

// CaddyModule returns the Caddy module information.
func (RedisStore) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "wechat.stores.redis", New: func() caddy.Module { return new(RedisStore) }}
}

// Provision reads the address and the certificates. It opens no connection.
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
		ctx.Slogger().Warn("a password of Redis is written in the configuration; use {env.…} or {file.…} instead")
	}
	return nil
}

// hasLiteral reports whether a password is written in the configuration itself.
func (s *RedisStore) hasLiteral() bool {
	_, rest, _ := strings.Cut(s.Address, "://")
	userinfo, _ := cutUserinfo(rest)
	_, password, _ := strings.Cut(userinfo, ":")
	return isLiteral(password) || isLiteral(s.Password) || isLiteral(s.SentinelPassword)
}

// poolKeys returns the pool keys of the store, as hashes that do not show its
// settings. The key of the Redis state depends on the store's own options; the
// key of the sessions depends also on the session keys and times. A reload that
// changes any of them opens a new store beside the old one.
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
