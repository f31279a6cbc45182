package session

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"strconv"

	"github.com/gorilla/securecookie"
)

// derivation names our use of a secret. It is part of every derived key: the
// same secret used by another program, or a later format of ours, gives others.
const derivation = "wechat-gateway/session/v1/"

// alphabet is what sealed text is made of: safe as a cookie value, as a segment
// of a URL path and as a bearer token.
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// key is one secret of a ring and what is derived from it.
type key struct {
	// hint is one character derived from the secret that stands in front of what
	// the key sealed. It spares a forged value from being tried with every key.
	hint   byte
	secret []byte
	ready  [len(purposes)]purposeKey
}

// purposeKey is what one secret gives for one purpose.
type purposeKey struct {
	codec *securecookie.SecureCookie
	mac   []byte
}

// newKey derives everything that is used often.
func newKey(secret []byte) (*key, error) {
	hint, err := hkdf.Key(sha256.New, secret, nil, derivation+"hint", 1)
	if err != nil {
		return nil, fmt.Errorf("deriving a session key: %w", err)
	}
	k := &key{hint: alphabet[hint[0]%64], secret: secret}
	for i, purpose := range purposes {
		if k.ready[i], err = derive(secret, purpose); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// derive makes the keys of one purpose: 32 bytes each to authenticate sealed
// values, to encrypt them, and for plain authentication codes. Three, because a
// caller who gets codes for texts of its choice must not be able to make a
// sealed value of them.
func derive(secret []byte, purpose string) (purposeKey, error) {
	out, err := hkdf.Key(sha256.New, secret, nil, derivation+"purpose/"+purpose, 96)
	if err != nil {
		return purposeKey{}, fmt.Errorf("deriving a session key: %w", err)
	}
	codec := securecookie.New(out[:32:32], out[32:64:64]).
		SetSerializer(securecookie.NopEncoder{}).
		MaxAge(0).   // the callers keep their own times
		MaxLength(0) // the ring has its own limits, checked before any work
	return purposeKey{codec: codec, mac: out[64:]}, nil
}

// of returns the keys of a purpose: those at hand, or derived now.
func (k *key) of(purpose string) (purposeKey, error) {
	for i := range purposes {
		if purposes[i] == purpose {
			return k.ready[i], nil
		}
	}
	return derive(k.secret, purpose)
}

// sum is the HMAC-SHA256 of data.
func (p purposeKey) sum(data string) []byte {
	h := hmac.New(sha256.New, p.mac)
	h.Write([]byte(data))
	return h.Sum(nil)
}

// boundName is the name that goes into the authentication code of a sealed
// value. The length in front makes it impossible that one name, together with
// what follows it, reads as another.
func boundName(purpose, bound string) string {
	return strconv.Itoa(len(bound)) + ":" + purpose + ":" + bound
}

// Format keeps the secret out of every print form.
func (k *key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }
