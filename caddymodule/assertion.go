package caddymodule

import (
	"cmp"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-wechat/gateway/internal/assertion"
)

// Assertion has the visitor's identity signed for the app, in the header
// `X-Wechat-Assertion`. The keys are derived from the session keys.
type Assertion struct {
	// The name of the app, which the app compares with the claim `aud`: up to
	// 256 characters without blanks. Placeholders of the environment and of
	// files are allowed. Default: the site's origin, such as
	// `https://shop.example.com`.
	Audience string `json:"audience,omitempty"`

	// How long an assertion is valid, from 2m to 1h. It is made anew when it is
	// a minute old, and it is valid until its end even if the session ends
	// before. Default: 5m.
	Lifetime caddy.Duration `json:"lifetime,omitempty"`

	// How it is signed: `ES256` (ECDSA with P-256 and SHA-256) or `EdDSA`
	// (Ed25519). Default: `ES256`, which libraries for Java 8 can verify.
	Algorithm string `json:"algorithm,omitempty"`
}

// maxAudience is how long an audience may be, in bytes.
const maxAudience = 256

// rule returns what the gate needs, with the defaults; nil if assertions are
// off.
func (a *Assertion) rule() (*assertion.Rule, error) {
	if a == nil {
		return nil, nil
	}
	audience, err := expand("assertion: audience", a.Audience)
	if err != nil {
		return nil, err
	}
	if err := checkAudience(audience); err != nil && a.Audience != "" {
		return nil, fmt.Errorf("assertion: audience: %w", err)
	}
	algorithm, err := choose("algorithm", a.Algorithm)
	if err != nil {
		return nil, fmt.Errorf("assertion: %w", err)
	}
	lifetime := cmp.Or(time.Duration(a.Lifetime), assertion.DefaultLifetime)
	if err := checkAssertionLifetime(lifetime); err != nil {
		return nil, fmt.Errorf("assertion: lifetime: %w", err)
	}
	return &assertion.Rule{Audience: audience, Lifetime: lifetime, Algorithm: assertion.Algorithm(algorithm)}, nil
}

func (h *Handler) parseAssertion(d *caddyfile.Dispenser) error {
	if h.Assertion != nil {
		return d.Err("assertion is given twice")
	}
	if d.NextArg() {
		return d.Errf("assertion takes a block or nothing, not '%s': assertion { audience … }", d.Val())
	}
	a := new(Assertion)
	h.Assertion = a
	return words{
		"audience":  checked(&a.Audience, checkAudience),
		"algorithm": choice(&a.Algorithm),
		"lifetime": func(d *caddyfile.Dispenser) error {
			if err := duration(&a.Lifetime)(d); err != nil {
				return err
			}
			if err := checkAssertionLifetime(time.Duration(a.Lifetime)); err != nil {
				return d.Errf("lifetime: %v", err)
			}
			return nil
		},
	}.parse(d, "assertion")
}

func checkAudience(value string) error {
	for _, c := range []byte(value) {
		if c <= ' ' || c > '~' {
			return fmt.Errorf("%q is not a text of ASCII characters without blanks", value)
		}
	}
	if value == "" || len(value) > maxAudience {
		return fmt.Errorf("it must have 1 to %d characters", maxAudience)
	}
	return nil
}

func checkAssertionLifetime(lifetime time.Duration) error {
	if lifetime < assertion.MinLifetime || lifetime > assertion.MaxLifetime {
		return fmt.Errorf("%v is not a duration from 2m to 1h", lifetime)
	}
	return nil
}
