package command

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// A key is added without a question; all are replaced only by who says --yes.
func TestKeys(t *testing.T) {
	r := start(t)
	added := regexp.MustCompile(`^The key ([0-9a-f]{8}) seals from 20.* on\. No visitor is signed out\.\n$`).FindStringSubmatch(r.do("keys", "rotate"))
	if added == nil {
		t.Fatal("nothing was added")
	}
	r.fails("add --yes", "keys", "rotate", "--retire-now")
	if again := r.do("keys", "rotate"); !strings.Contains(again, added[1]) {
		t.Errorf("what was not confirmed was done: %s", again)
	}
	if out := r.do("keys", "rotate", "--retire-now", "--yes"); !regexp.MustCompile(`^The key [0-9a-f]{8} has replaced all others\. All visitors must sign in again\.\n$`).MatchString(out) || strings.Contains(out, added[1]) {
		t.Errorf("printed %q", out)
	}
	r.fails("unknown command", "keys", "rotate", "now")
}

// Where keys are configured, the command says what to do instead.
func TestKeysThatAreConfigured(t *testing.T) {
	r := startWith(t, fmt.Sprintf(`"session":{"keys":[%q]},`, strings.Repeat("k", 32)))
	r.fails("put a new key first in session { key", "keys", "rotate")
	r.fails("put a new key first in session { key", "keys", "rotate", "--retire-now", "--yes")
}
