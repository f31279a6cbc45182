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
	statementKey
	at time.Time // when it was made

	signing sync.Mutex // one signature at a time
	last    atomic.Pointer[Token]
}

// Token is a signed assertion. It does not change.
type Token struct {
	text  string
	keyID string
	at    time.Time
}

// Token returns the assertion, signed within the last minute by the key that
// signing now (attack: a key has leaked and is withdrawn, and its signature is
// sent on from memory).
func (s *Statement) Token(now time.Time) (*Token, error) {
	set, err := s.signer.keys(s.rule.Algorithm)
	if err != nil {
		return nil, err
	}
	if last := s.last.Load(); last.isFresh(set, now) {
		return last, nil
	}
	s.signing.Lock()
	defer s.signing.Unlock()
	if last := s.last.Load(); last.isFresh(set, now) {
		return last, nil // another request of the visitor was faster
	}
	text, err := s.sign(set.signing, now)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsigned, err)
	}
	signed := &Token{text, set.signing.id, now}
	s.last.Store(signed)
	return signed, nil
}

// String returns the token as it is sent, in the compact form of a JWS.
func (t *Token) String() string { return t.text }

// isFresh reports whether a token may be sent now.
func (t *Token) isFresh(set *keySet, now time.Time) bool {
	if t == nil || t.keyID != set.signing.id {
		return false
	}
	age := now.Sub(t.at)
	return age < reuse && age > -reuse // a request that waited may be older than the token
}

// sign makes a token.
func (s *Statement) sign(k *key, now time.Time) (string, error) {
	payload, err := json.Marshal(payload{s.claims, now.Unix(), now.Add(s.rule.Lifetime).Unix()})
	if err != nil {
		return "", err
	}
	signed, err := k.signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}
