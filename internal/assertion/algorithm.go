package assertion

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-jose/go-jose/v4"
)

// Algorithm is how assertions are signed.
type Algorithm string

// The algorithms. Libraries for Java 8 read ES256.
const (
	ES256 Algorithm = "ES256"
	EdDSA Algorithm = "EdDSA"
)

// ErrUnsigned reports that there is no assertion: the ring has no key, or
// signing failed.
var ErrUnsigned = errors.New("the visitor's assertion could not be signed")

// derivation returns size bytes for a label. The same key and label give the
// same bytes for ever.
type derivation func(label string, size int) ([]byte, error)

// maxTries bounds the search for a valid ES256 key. One try in four thousand
// million fails.
const maxTries = 8

// privateKey derives the private key of an algorithm.
func privateKey(derive derivation, a Algorithm) (crypto.Signer, error) {
	switch a {
	case ES256:
		return deriveES256(derive)
	case EdDSA:
		seed, err := derive("assertion/EdDSA", ed25519.SeedSize)
		if err != nil {
			return nil, err
		}
		return ed25519.NewKeyFromSeed(seed), nil
	default:
		return nil, fmt.Errorf("there is no algorithm %q", a)
	}
}

// deriveES256 takes the first bytes that are a private key of P-256: not zero,
// and less than the order of the group.
func deriveES256(derive derivation) (crypto.Signer, error) {
	label := "assertion/ES256"
	var err error
	for try := range maxTries {
		if try > 0 {
			label = "assertion/ES256/" + strconv.Itoa(try)
		}
		var raw []byte
		if raw, err = derive(label, 32); err != nil {
			return nil, err
		}
		var key *ecdsa.PrivateKey
		if key, err = ecdsa.ParseRawPrivateKey(elliptic.P256(), raw); err == nil {
			return key, nil
		}
	}
	return nil, err
}

// key is one key pair.
type key struct {
	id     string
	public jose.JSONWebKey
	signer jose.Signer
}

// newKey derives the key pair of an algorithm.
func newKey(derive derivation, a Algorithm) (*key, error) {
	private, err := privateKey(derive, a)
	if err != nil {
		return nil, err
	}
	public := jose.JSONWebKey{Key: private.Public(), Algorithm: string(a), Use: "sig"}
	thumbprint, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, err
	}
	public.KeyID = keyID(thumbprint)
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.SignatureAlgorithm(a), Key: jose.JSONWebKey{Key: private, KeyID: public.KeyID}},
		new(jose.SignerOptions).WithType("JWT"))
	if err != nil {
		return nil, err
	}
	return &key{public.KeyID, public, signer}, nil
}
