package session

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"time"
)

const (
	// signGrace is how long a new generated key is only known before it signs:
	// apps keep lists of public keys, and must have read the new one by then.
	signGrace = 24 * time.Hour

	// signKeep is how long a key stays after its successor was made, even if
	// sessions are shorter: it signs for signGrace, and what it signed is valid
	// for an hour at most.
	signKeep = signGrace + time.Hour
)

// SignatureKey is one key of a ring, as a source of keys for signatures.
type SignatureKey struct{ key *key }

// SignatureKeys returns a source for each key of the ring, the one that signs
// first, and the version of the ring. All gateways with the same keys derive
// the same signature keys from them.
//
// Of configured keys, the one that seals signs. A generated key signs a day
// after it was made, so that those who verify signatures know its public key by
// then; until then the key before it signs. If there is none, it signs at once.
func (r *Ring) SignatureKeys() (keys []SignatureKey, version uint64) {
	h := r.current()
	if h == nil || len(h.keys) == 0 {
		return nil, r.Version()
	}
	keys = append(make([]SignatureKey, 0, len(h.keys)), SignatureKey{h.signs})
	for _, k := range h.keys {
		if k != h.signs {
			keys = append(keys, SignatureKey{k})
		}
	}
	return keys, h.version
}

// Version grows whenever a key comes to the ring or is taken off it, or another
// key seals or signs. What was derived from the keys is to be derived again
// then. It costs one atomic load.
func (r *Ring) Version() uint64 {
	if h := r.current(); h != nil {
		return h.version
	}
	return 0
}

// Derive returns size bytes for the use that the label names. Each label has
// bytes of its own, and none of them seals or authenticates anything in this
// package.
func (k SignatureKey) Derive(label string, size int) ([]byte, error) {
	if k.key == nil {
		return nil, ErrNoKey
	}
	out, err := hkdf.Key(sha256.New, k.key.secret, nil, derivation+"signature/"+label, size)
	if err != nil {
		return nil, fmt.Errorf("deriving a signature key: %w", err)
	}
	return out, nil
}

// Format hides the key in every print form.
func (k SignatureKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }
