package assertion

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"github.com/caddy-wechat/gateway/session"
)

// keySet holds the keys of one algorithm as the ring was at one moment.
type keySet struct {
	version uint64 // of the ring
	signing *key
	jwks    []byte
}

// newKeySet derives the keys of the whole ring.
func newKeySet(ring *session.Ring, a Algorithm) (*keySet, error) {
	sources, version := ring.SignatureKeys()
	if len(sources) == 0 {
		return nil, session.ErrNoKey
	}
	set := &keySet{version: version}
	list := jose.JSONWebKeySet{Keys: make([]jose.JSONWebKey, 0, len(sources))}
	for i, source := range sources {
		k, err := newKey(source.Derive, a)
		if err != nil {
			return nil, fmt.Errorf("deriving an %s key: %w", a, err)
		}
		if i == 0 {
			set.signing = k
		}
		list.Keys = append(list.Keys, k.public)
	}
	var err error
	if set.jwks, err = json.Marshal(list); err != nil {
		return nil, fmt.Errorf("writing the public keys: %w", err)
	}
	return set, nil
}

// keyID writes a thumbprint as RFC 7638 shows it.
func keyID(thumbprint []byte) string { return base64.RawURLEncoding.EncodeToString(thumbprint) }
