package fleetredis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// Tokens keeps the tokens that WeChat gave the accounts, sealed, for all
// gateways of a fleet: one gateway fetches a token for all.
type Tokens struct {
	Client redis.UniversalClient
	Prefix string        // of the keys in Redis
	Keys   *session.Ring // seals the tokens
}

// purposeToken has its own keys. A sealed token is bound to its key in Redis: a
// record that is moved to another key does not open.
const purposeToken = "token"

func (s Tokens) key(kind, key string) string { return s.Prefix + kind + ":" + key }

// Load implements wechat.TokenStore. A record that the fleet's keys do not open
// counts as absent, and the token is fetched anew.
func (s Tokens) Load(ctx context.Context, key string) (wechat.Secret, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	sealed, err := s.Client.Get(ctx, s.key("t", key)).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return wechat.Secret{}, nil
	case err != nil:
		return wechat.Secret{}, fmt.Errorf("reading a token of an account: %w", err)
	}
	plain, err := s.Keys.Open(purposeToken, key, sealed)
	if err != nil {
		return wechat.Secret{}, nil // the record counts as absent
	}
	return wechat.NewSecret(string(plain)), nil
}

// Save implements wechat.TokenStore.
func (s Tokens) Save(ctx context.Context, key string, record wechat.Secret, expires time.Time) error {
	sealed, err := s.Keys.Seal(purposeToken, key, []byte(record.Reveal()))
	if err != nil {
		return fmt.Errorf("sealing a token of an account: %w", err)
	}
	ttl := time.Until(expires)
	if ttl < time.Millisecond {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := s.Client.Set(ctx, s.key("t", key), sealed, ttl).Err(); err != nil {
		return fmt.Errorf("keeping a token of an account: %w", err)
	}
	return nil
}

// unlockScript removes a lock if the caller still owns it.
var unlockScript = redis.NewScript(`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`)

// Lock implements wechat.TokenStore.
func (s Tokens) Lock(ctx context.Context, key string, ttl time.Duration) (func(), bool, error) {
	name, owner := s.key("l", key), rand.Text()
	once, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ok, err := take(once, s.Client, name, owner, ttl, ttl)
	if err != nil {
		return nil, false, fmt.Errorf("locking a token of an account: %w", err)
	}
	if !ok {
		return nil, false, nil
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
		defer cancel()
		// A lock that cannot be released expires.
		_ = unlockScript.Run(ctx, s.Client, []string{name}, owner).Err()
	}, true, nil
}

var _ wechat.TokenStore = Tokens{}
