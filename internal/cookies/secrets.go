package cookies

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// A sign-in is tied to its browser by a cookie of one path, which cannot be a
// __Host- cookie: a sibling host can plant it with Domain=, and lead its visitor
// into a sign-in that the attacker has begun (attack: login CSRF from a neighbour
// host). So a secret of the browser is mixed in, in a __Host- cookie. It lives for
// as long as a sign-in may take: requests of those who are signed in grow by
// nothing.
//
// Two first requests at once draw two secrets, and both sign-ins must end well.
// Each secret has a name of its own, so that none takes the place of another, and
// any of them ties a sign-in to its browser.
const (
	// MaxSecrets is how many secrets of a request are looked at.
	MaxSecrets = maxCookieValues
	// SecretLength is that of rand.Text.
	SecretLength   = 26
	secretIDLength = 6
	// MaxBound is the longest value that ties something to a browser. Each is
	// hashed with each secret: longer ones must not buy time.
	MaxBound = 64
)

// secret is a secret of the browser and what tells its cookie from others.
type secret struct{ id, value string }

// Secrets are those of one browser.
type Secrets []secret

// ReadSecrets returns those that a request has, in the order sent.
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

// DrawSecret is for a browser that has none.
func DrawSecret() Secrets {
	return Secrets{{strings.ToLower(rand.Text()[:secretIDLength]), rand.Text()}}
}

// Use returns a secret of the browser. One that it has is used again, and begins its
// time anew: several sign-ins must not pile up cookies (attack: requests that grow
// until a server refuses them).
func (all Secrets) Use(w http.ResponseWriter, s Scope) string {
	browser.setNamed(w, s, all[0].id, all[0].value)
	return all[0].value
}

// First is the secret by which the browser is told from others, "" if there is none.
func (all Secrets) First() string {
	if len(all) == 0 {
		return ""
	}
	return all[0].value
}

// Name is the same for sign-ins of one browser that run beside each other, for as long
// as one of its secrets lives; "" if there is none.
func (all Secrets) Name() string {
	name := ""
	for _, s := range all {
		if name == "" || s.value < name {
			name = s.value
		}
	}
	return name
}

// Clear takes all of them back.
func (all Secrets) Clear(w http.ResponseWriter, s Scope) {
	for _, one := range all {
		browser.clearNamed(w, s, one.id)
	}
}

// Bind is what ties something to a browser: a value of its own cookie, and a secret
// of the browser. A value for one use is none for another.
func (c Cookie) Bind(value, secret string) [sha256.Size]byte {
	return sha256.Sum256([]byte("wechat " + sideCookies[c].base + " " + secret + " " + value))
}

// Bound reports whether the request's own cookie of this use, together with one
// of the browser's secrets, gives the binding, or its first bytes.
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

// MinBinding is how much of a binding must be there, in bytes: nothing would be
// true of every browser.
const MinBinding = 16
