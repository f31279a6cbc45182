package test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/assertion"
	"github.com/caddy-wechat/gateway/session"
)

func b64(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

func b64JSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b64(raw)
}

// es256 returns the signature of ES256.
func es256(t *testing.T, key *ecdsa.PrivateKey, text string) []byte {
	t.Helper()
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
}

// forgery makes tokens that an app must refuse.
type forgery struct {
	t      *testing.T
	key    *ecdsa.PrivateKey // signs for the gateway
	header map[string]any
	claims map[string]any
}

// newForgery begins with what a valid token says.
func newForgery(t *testing.T, secret, valid string) forgery {
	t.Helper()
	f := forgery{t: t, key: signatureKey(t, secret)}
	parts := strings.Split(valid, ".")
	for i, into := range []*map[string]any{&f.header, &f.claims} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, into); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// with returns a token with a changed header and changed claims, nil to leave
// one out, which key signs.
func (f forgery) with(key *ecdsa.PrivateKey, header, claims map[string]any) string {
	f.t.Helper()
	text := f.text(header, claims)
	return text + "." + b64(es256(f.t, key, text))
}

func (f forgery) text(header, claims map[string]any) string {
	f.t.Helper()
	return b64JSON(f.t, changed(f.header, header)) + "." + b64JSON(f.t, changed(f.claims, claims))
}

func changed(m, by map[string]any) map[string]any {
	m = maps.Clone(m)
	for name, value := range by {
		if m[name] = value; value == nil {
			delete(m, name)
		}
	}
	return m
}

// all returns tokens, by what is wrong with them.
func (f forgery) all() map[string]string {
	type m = map[string]any
	t := f.t
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text := f.text(nil, nil)
	good := es256(t, f.key, text)
	now := time.Now()
	own := m{"kty": "EC", "crv": "P-256", "x": b64(other.X.FillBytes(make([]byte, 32))), "y": b64(other.Y.FillBytes(make([]byte, 32)))}
	forged := map[string]string{
		"another audience":     f.with(f.key, nil, m{"aud": "https://another.example.com"}),
		"no audience":          f.with(f.key, nil, m{"aud": nil}),
		"another issuer":       f.with(f.key, nil, m{"iss": "https://another.example.com"}),
		"no issuer":            f.with(f.key, nil, m{"iss": nil}),
		"expired":              f.with(f.key, nil, m{"iat": now.Add(-time.Hour).Unix(), "exp": now.Add(-2 * time.Minute).Unix()}),
		"no end":               f.with(f.key, nil, m{"exp": nil}),
		"an end that is text":  f.with(f.key, nil, m{"exp": "never"}),
		"alg none":             f.text(m{"alg": "none"}, nil) + ".",
		"alg None, no key id":  f.text(m{"alg": "None", "kid": nil}, nil) + ".",
		"alg none, signed":     f.with(f.key, m{"alg": "none"}, nil),
		"no algorithm":         f.with(f.key, m{"alg": nil}, nil),
		"a list of algorithms": f.with(f.key, m{"alg": []string{"ES256"}}, nil),
		"ES384":                f.with(f.key, m{"alg": "ES384"}, nil),
		"ES256K":               f.with(f.key, m{"alg": "ES256K"}, nil),
		"EdDSA":                f.with(f.key, m{"alg": "EdDSA"}, nil),
		"RS256":                f.with(f.key, m{"alg": "RS256"}, nil),
		"es256":                f.with(f.key, m{"alg": "es256"}, nil),
		"a swapped key":        f.with(other, nil, nil),
		"a key of its own":     f.with(other, m{"jwk": own}, nil),
		"an invented key id":   f.with(other, m{"kid": "invented", "jwk": own}, nil),
		"no key id":            f.with(f.key, m{"kid": nil}, nil),
		"a number as key id":   f.with(f.key, m{"kid": 1}, nil),
		"a key id like code":   f.with(f.key, m{"kid": "../../../../dev/null"}, nil),
		"__proto__":            f.with(f.key, m{"kid": "__proto__"}, nil),
		"no signature":         text + ".",
		"a short signature":    text + "." + b64(good[:63]),
		"a long signature":     text + "." + b64(append(good, 0)),
		"another person":       f.text(nil, m{"sub": "somebody-else"}) + "." + b64(good),
		"another header":       f.text(m{"typ": "at+jwt"}, nil) + "." + b64(good),
		"nothing":              "",
		"dots":                 "..",
		"two parts":            text,
		"four parts":           text + "." + b64(good) + ".",
		"a deep header":        b64([]byte(strings.Repeat("[", 9000))) + "." + b64JSON(t, f.claims) + "." + b64(good),
		"a header that is 1":   b64([]byte("1")) + "." + b64JSON(t, f.claims) + "." + b64(good),
		"null":                 b64([]byte("null")) + "." + b64([]byte("null")) + "." + b64(good),
		"no base64":            "a$b." + b64JSON(t, f.claims) + "." + b64(good),
		"very long":            strings.Repeat("A", 1<<16) + "." + b64JSON(t, f.claims) + "." + b64(good),
		"no claims":            f.signed(b64JSON(t, f.header) + "." + b64([]byte("[]"))),
	}
	f.addOrderZero(forged, text)
	f.addOtherForms(forged, text, good)
	f.addHMAC(forged)
	return forged
}

func (f forgery) signed(text string) string { return text + "." + b64(es256(f.t, f.key, text)) }

// addOrderZero adds signatures with a number that is zero, or zero modulo the
// order. A Java of CVE-2022-21449 accepts such a pair for every text.
func (f forgery) addOrderZero(forged map[string]string, text string) {
	zero, one, n := new(big.Int), big.NewInt(1), elliptic.P256().Params().N
	for name, pair := range map[string][2]*big.Int{
		"0, 0": {zero, zero}, "n, n": {n, n}, "n, 1": {n, one}, "1, n": {one, n},
		"0, 1": {zero, one}, "1, 0": {one, zero}, "0, n": {zero, n}, "n, 0": {n, zero},
	} {
		raw := append(pair[0].FillBytes(make([]byte, 32)), pair[1].FillBytes(make([]byte, 32))...)
		forged["a signature of "+name] = text + "." + b64(raw)
	}
}

// addOtherForms adds the right signature in the form of another protocol.
func (f forgery) addOtherForms(forged map[string]string, text string, good []byte) {
	f.t.Helper()
	der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(good[:32]), new(big.Int).SetBytes(good[32:])})
	if err != nil {
		f.t.Fatal(err)
	}
	forged["a signature in DER"] = text + "." + b64(der)
}

// addHMAC adds tokens that use the public key, which everybody has, as the
// secret of HS256.
func (f forgery) addHMAC(forged map[string]string) {
	f.t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&f.key.PublicKey)
	if err != nil {
		f.t.Fatal(err)
	}
	point, err := f.key.PublicKey.Bytes()
	if err != nil {
		f.t.Fatal(err)
	}
	text := f.text(map[string]any{"alg": "HS256"}, nil)
	for name, secret := range map[string][]byte{
		"PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "DER": der, "point": point, "x": point[1:33], "nothing": nil,
	} {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(text))
		forged["HS256 with the public key: "+name] = text + "." + b64(mac.Sum(nil))
	}
}

// ofEdDSA returns a valid token of the same session key and claims, which a
// site with `algorithm EdDSA` would send.
func ofEdDSA(t *testing.T, secret, origin string) string {
	t.Helper()
	ring, err := session.NewRing(secret)
	if err != nil {
		t.Fatal(err)
	}
	rule := assertion.Rule{Lifetime: assertion.DefaultLifetime, Algorithm: assertion.EdDSA}
	token, err := (&assertion.Signer{Ring: ring}).Statement(rule, assertion.Claims{Issuer: origin, Audience: origin, Subject: "p", OpenID: "o"}).Token(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return token.String()
}
