package cookies

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// A cookie with its own path ties a sign-in to its browser. It cannot be a
// __Host- cookie, so a sibling host can plant it with Domain= and lead the
// visitor into a sign-in that the attacker has begun (attack: login CSRF from a
// neighbour host). So the binding also includes a secret of the browser, in a
// __Host- cookie. That cookie lives only as long as a sign-in may take, so
// requests of signed-in visitors do not grow.
//
// Two simultaneous first requests draw two secrets, and both sign-ins must
// succeed. Each secret has its own name, so that none replaces another, and any
// of them ties a sign-in to its browser.
const (
	// MaxSecrets is how many secrets of a request are read.
	MaxSecrets = maxCookieValues
	// SecretLength is the length of rand.Text.
	SecretLength   = 26
	secretIDLength = 6
	// MaxBound is the greatest length of a binding cookie's value. Each value
	// is hashed with each secret, so longer ones would cost us time.
	MaxBound = 64
)

// secret is a secret of the browser and the id in its cookie's name.
type secret struct{ id, value string }

// Secrets are the secrets of one browser.
type Secrets []secret

// ReadSecrets returns the secrets in a request, in the order sent.
func ReadSecrets(r *http.Request, s Scope) (all Secrets) {
	for name, value := range cookiesOf(r) {
		id, ours := browser.idOf(name, s)
		if !ours || len(value) != SecretLength {
			continue
		}
		if all = append(all, secret{id, value}); len(all) == MaxSecrets {
			break
		}
	}
	return all
}

// DrawSecret draws a secret for a browser that has none.
func DrawSecret() Secrets {
	return Secrets{{strings.ToLower(rand.Text()[:secretIDLength]), rand.Text()}}
}

// Use returns a secret of the browser and renews its cookie's lifetime. It
// reuses an existing secret: several sign-ins must not pile up cookies (attack:
// requests that grow until a server refuses them).
func (all Secrets) Use(w http.ResponseWriter, s Scope) string {
	browser.setNamed(w, s, all[0].id, all[0].value)
	return all[0].value
}

// First returns the secret that distinguishes the browser from others, "" if it
// has none.
func (all Secrets) First() string {
	if len(all) == 0 {
		return ""
	}
	return all[0].value
}

// Name returns a name that is the same for parallel sign-ins of one browser, as
// long as one of its secrets lives; "" if it has none.
func (all Secrets) Name() string {
	name := ""
	for _, s := range all {
		if name == "" || s.value < name {
			name = s.value
		}
	}
	return name
}

// Clear removes all secrets from the browser.
func (all Secrets) Clear(w http.ResponseWriter, s Scope) {
	for _, one := range all {
		browser.clearNamed(w, s, one.id)
	}
}

// Bind returns the digest that ties something to a browser: of its cookie's
// value and a secret of the browser. A digest for one use is not valid for
// another.
func (c Cookie) Bind(value, secret string) [sha256.Size]byte {
	return sha256.Sum256([]byte("wechat " + sideCookies[c].base + " " + secret + " " + value))
}

// Bound reports whether the request's cookie of this use, with one of the
// browser's secrets, gives the digest want, or its first bytes.
func (all Secrets) Bound(r *http.Request, s Scope, use Cookie, want []byte) bool {
	for _, value := range use.Values(r, s) {
		if all.BindsTo(use, value, want) {
			return true
		}
	}
	return false
}

// BindsTo is Bound for one value.
func (all Secrets) BindsTo(use Cookie, value string, want []byte) bool {
	if len(value) > MaxBound {
		return false
	}
	for _, secret := range all {
		got := use.Bind(value, secret.value)
		if len(want) >= MinBinding && len(want) <= len(got) && subtle.ConstantTimeCompare(got[:len(want)], want) == 1 {
			return true
		}
	}
	return false
}

// MinBinding is the least length of a digest in bytes: an empty one would match
// every browser.
const MinBinding = 16
