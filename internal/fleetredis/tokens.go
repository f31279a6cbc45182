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

// Tokens keeps what the accounts themselves have from WeChat, sealed, for all
// gateways of a fleet: one of them fetches it for all.
type Tokens struct {
	Client redis.UniversalClient
	Prefix string        // of the keys in Redis
	Keys   *session.Ring // seals what is kept
}

// purposeToken has keys of its own. What is sealed is bound to its key: a record
// that is put in another's place opens nothing.
const purposeToken = "token"

func (s Tokens) key(kind, key string) string { return s.Prefix + kind + ":" + key }

// Load implements wechat.TokenStore. What this fleet's keys do not open is none: it
// is fetched anew.
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
		return wechat.Secret{}, nil // as if there were none
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

// unlockScript removes a lock that is still its owner's.
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
		// One that cannot be given up runs out by itself.
		_ = unlockScript.Run(ctx, s.Client, []string{name}, owner).Err()
	}, true, nil
}

var _ wechat.TokenStore = Tokens{}
