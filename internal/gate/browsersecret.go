package gate

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
	maxSecrets     = maxCookieValues // of a request, that are looked at
	secretLength   = 26              // of rand.Text
	secretIDLength = 6
	// maxBound is the longest value that ties something to a browser. Each is
	// hashed with each secret: longer ones must not buy time.
	maxBound = 64
)

// browserSecret is a secret of the browser and what tells its cookie from others.
type browserSecret struct{ id, value string }

// browserSecrets are those that a request has, in the order sent.
func browserSecrets(r *http.Request, s site) (secrets []browserSecret) {
	for name, value := range cookiesOf(r) {
		id, ours := browserCookie.idOf(name, s)
		if !ours || len(value) != secretLength {
			continue
		}
		if secrets = append(secrets, browserSecret{id, value}); len(secrets) == maxSecrets {
			break
		}
	}
	return secrets
}

// heldSecrets are those that were read, or one that was drawn since.
func (r *Request) heldSecrets() []browserSecret {
	if r.secrets == nil {
		return nil
	}
	return *r.secrets
}

// browserSecret returns a secret of the browser. One that it has is used again,
// and begins its time anew: several sign-ins must not pile up cookies (attack:
// requests that grow until a server refuses them).
func (r *Request) browserSecret(w http.ResponseWriter) string {
	if r.secrets == nil {
		id := strings.ToLower(rand.Text()[:secretIDLength])
		r.secrets = &[]browserSecret{{id, rand.Text()}}
	}
	s := (*r.secrets)[0]
	browserCookie.setNamed(w, r.site, s.id, s.value)
	return s.value
}

// browser names the browser for as long as one of its secrets lives, "" for one that
// has none. Sign-ins that run beside each other have the same name.
func (r *Request) browser() string {
	name := ""
	for _, s := range r.heldSecrets() {
		if name == "" || s.value < name {
			name = s.value
		}
	}
	if name == "" {
		return ""
	}
	return r.origin + " " + name
}

// clearBrowserSecrets takes all of them back.
func (r *Request) clearBrowserSecrets(w http.ResponseWriter) {
	for _, s := range r.heldSecrets() {
		browserCookie.clearNamed(w, r.site, s.id)
	}
}

// binding is what ties something to a browser: its own cookie, and a secret of the
// browser. A value for one use is none for another.
func binding(use sideCookie, value, secret string) [sha256.Size]byte {
	return sha256.Sum256([]byte("wechat " + sideCookies[use].base + " " + secret + " " + value))
}

// boundBy reports whether the request's own cookie of this use, together with one
// of the browser's secrets, gives the binding, or its first bytes.
func (r *Request) boundBy(use sideCookie, want []byte) bool {
	for _, value := range use.Values(r.Request, r.site) {
		if r.bindsTo(use, value, want) {
			return true
		}
	}
	return false
}

// bindsTo is boundBy for one value.
func (r *Request) bindsTo(use sideCookie, value string, want []byte) bool {
	if len(value) > maxBound {
		return false
	}
	for _, secret := range r.heldSecrets() {
		got := binding(use, value, secret.value)
		if len(want) >= minBinding && len(want) <= len(got) && subtle.ConstantTimeCompare(got[:len(want)], want) == 1 {
			return true
		}
	}
	return false
}

// minBinding is how much of a binding must be there, in bytes: nothing would be
// true of every browser.
const minBinding = scanDigest
