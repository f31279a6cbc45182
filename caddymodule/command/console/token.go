package console

import (
	"crypto/subtle"
	"sync"
	"time"
)

// tokenLife is how long a one-time address works.
const tokenLife = 5 * time.Minute

// token is the one-time token that is valid now, if any. The zero value has
// none.
type token struct {
	mu    sync.Mutex
	value string // "" for none
	until time.Time
}

// draw makes a new token, in the place of the one before.
func (t *token) draw() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.value, t.until = secret(), time.Now().Add(tokenLife)
	return t.value
}

// spend reports whether value is the token, which is then used up. A wrong
// value uses nothing up (attack: another page makes the operator's address
// worthless).
func (t *token) spend(value string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.value == "" || !time.Now().Before(t.until) || subtle.ConstantTimeCompare([]byte(t.value), []byte(value)) != 1 {
		return false
	}
	t.value = ""
	return true
}
