package session

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"strconv"

	"github.com/gorilla/securecookie"
)

// derivation names our use of a secret. It is part of every derived key, so
// that another program with the same secret, or a later format of ours, gets
// other keys.
const derivation = "wechat-gateway/session/v1/"

// alphabet holds the characters of sealed text: safe in a cookie value, a
// segment of a URL path and a bearer token.
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// key is one secret of a ring, with the keys derived from it.
type key struct {
	// hint is one character, derived from the secret, in front of everything
	// that the key sealed. With it a forged value is not tried with every key.
	hint   byte
	secret []byte
	ready  [len(purposes)]purposeKey
}

// purposeKey holds the keys of one secret for one purpose.
type purposeKey struct {
	codec *securecookie.SecureCookie
	mac   []byte
}

// newKey derives the keys that are used often.
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
// values, to encrypt them, and for plain authentication codes. It makes three,
// because a caller that gets codes for texts of its choice must not be able to
// make a sealed value of them.
func derive(secret []byte, purpose string) (purposeKey, error) {
	out, err := hkdf.Key(sha256.New, secret, nil, derivation+"purpose/"+purpose, 96)
	if err != nil {
		return purposeKey{}, fmt.Errorf("deriving a session key: %w", err)
	}
	codec := securecookie.New(out[:32:32], out[32:64:64]).
		SetSerializer(securecookie.NopEncoder{}).
		MaxAge(0).   // callers keep their own times
		MaxLength(0) // the ring has its own limits, checked before any work
	return purposeKey{codec: codec, mac: out[64:]}, nil
}

// of returns the keys of a purpose, from memory or derived now.
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
// value. The length prefix keeps one name, together with the text that follows
// it, from reading as another.
func boundName(purpose, bound string) string {
	return strconv.Itoa(len(bound)) + ":" + purpose + ":" + bound
}

// Format hides the secret in every print form.
func (k *key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }
