package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"

	"github.com/caddy-wechat/gateway/session"
)

// Session sets how long sessions last and which keys protect them.
type Session struct {
	// A session that is not used for this long ends. At least 1m. Default: 7d,
	// or `lifetime` if that is shorter.
	Idle caddy.Duration `json:"idle,omitempty"`

	// A session ends this long after the sign-in, even if it is used. At most
	// 400d. Default: 30d, or `idle` if that is longer.
	Lifetime caddy.Duration `json:"lifetime,omitempty"`

	// The keys that seal sessions, each at least 32 characters, for example
	// from `openssl rand -base64 32`. The first key seals, all of them open: to
	// rotate, put the new key first and remove the old one after `lifetime`.
	// Then reload if keys come from files, or restart if they come from the
	// environment. Placeholders of the environment and of files are allowed.
	// Default: keys are generated, stored and rotated in Caddy's storage;
	// servers that share the storage share the keys. After keys are configured,
	// the generated ones still open sessions for `lifetime`.
	Keys []string `json:"keys,omitempty"`
}

// The defaults and bounds of a session's life.
const (
	defaultIdle     = 7 * 24 * time.Hour
	defaultLifetime = 30 * 24 * time.Hour
	minIdle         = time.Minute
	maxLifetime     = 400 * 24 * time.Hour // browsers keep no cookie for longer
)

// keysName is the name of the generated keys in Caddy's storage.
const keysName = "wechat/session_keys.json"

// policy returns the session's times, with their defaults.
func (s *Session) policy() (session.Policy, error) {
	p := session.Policy{Idle: time.Duration(s.Idle), Lifetime: time.Duration(s.Lifetime)}
	if p.Idle == 0 {
		p.Idle = defaultIdle
		if p.Lifetime != 0 {
			p.Idle = min(defaultIdle, p.Lifetime)
		}
	}
	if p.Lifetime == 0 {
		p.Lifetime = max(defaultLifetime, p.Idle)
	}
	switch {
	case p.Idle < minIdle:
		return p, fmt.Errorf("session: idle must be at least %v", minIdle)
	case p.Lifetime < p.Idle:
		return p, fmt.Errorf("session: lifetime (%v) must not be shorter than idle (%v)", p.Lifetime, p.Idle)
	case p.Lifetime > maxLifetime:
		return p, errors.New("session: lifetime must be at most 400 days: browsers keep no cookie for longer")
	}
	return p, nil
}

func (a *App) provisionSession() error {
	s := a.Session
	if s == nil {
		s = new(Session)
	}
	var err error
	if a.policy, err = s.policy(); err != nil {
		return err
	}
	for _, key := range s.Keys {
		expanded, err := expand("session: key", key)
		if err != nil {
			return err
		}
		if isLiteral(key) {
			a.logger.Warn("a session key is written in the configuration; use {env.…} or {file.…} instead")
		}
		a.keys = append(a.keys, expanded)
	}
	if len(a.keys) == 0 {
		return nil
	}
	if _, err := session.NewRing(a.keys...); err != nil {
		return fmt.Errorf("session: key: %w", err)
	}
	return nil
}

// keyStorage adapts Caddy's storage for the key manager.
type keyStorage struct{ certmagic.Storage }

// Load implements session.KeyStorage. A missing file is fs.ErrNotExist in both.
func (k keyStorage) Load(ctx context.Context, name string) ([]byte, error) {
	return k.Storage.Load(ctx, name)
}

// Unlock also works when ctx is done: a remaining lock would block every other
// gateway.
func (k keyStorage) Unlock(ctx context.Context, name string) error {
	if err := k.Storage.Unlock(context.WithoutCancel(ctx), name); err != nil {
		return errors.Join(errors.New("unlocking Caddy's storage"), err)
	}
	return nil
}

var _ session.KeyStorage = keyStorage{}
