package assertion

import (
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// reuse is how long a token is used again.
const reuse = time.Minute

// Statement is what is said about one visitor, and the token that says it now.
type Statement struct {
	signer *Signer
	content

	signing sync.Mutex // one signature at a time
	last    atomic.Pointer[token]
}

// token is a signed assertion.
type token struct {
	text  string
	keyID string
	at    time.Time
}

// Token returns the assertion, signed within the last minute by the key that
// signs now (attack: a key has leaked and is withdrawn, and its signature is
// sent on from memory).
func (s *Statement) Token(now time.Time) (string, error) {
	set, err := s.signer.keys(s.rule.Algorithm)
	if err != nil {
		return "", err
	}
	if last := s.last.Load(); last.serves(set, now) {
		return last.text, nil
	}
	s.signing.Lock()
	defer s.signing.Unlock()
	if last := s.last.Load(); last.serves(set, now) {
		return last.text, nil // another request of the visitor was faster
	}
	text, err := s.sign(set.signs, now)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnsigned, err)
	}
	s.last.Store(&token{text, set.signs.id, now})
	return text, nil
}

// serves reports whether a token may be sent now.
func (t *token) serves(set *keySet, now time.Time) bool {
	if t == nil || t.keyID != set.signs.id {
		return false
	}
	age := now.Sub(t.at)
	return age < reuse && age > -reuse // a request that waited may be older than the token
}

// sign makes a token.
func (s *Statement) sign(k *key, now time.Time) (string, error) {
	payload, err := json.Marshal(timed{s.claims, now.Unix(), now.Add(s.rule.Lifetime).Unix()})
	if err != nil {
		return "", err
	}
	signed, err := k.signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}
