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

// The list of keys says what each does, and has no secret.
func TestShowKeys(t *testing.T) {
	r := start(t)
	first := regexp.MustCompile(`^KEY\tSTATE\tMADE\tSEALS FROM\n([0-9a-f]{8})\tcurrent\t20\S+ \S+ \S+\t20\S+ \S+ \S+\n$`).FindStringSubmatch(r.do("keys", "show"))
	if first == nil {
		t.Fatalf("printed %q", r.do("keys", "show"))
	}
	r.do("keys", "rotate")
	if out := r.do("keys", "show"); !regexp.MustCompile(`\n[0-9a-f]{8}\tnext\t.*\n` + first[1] + `\tcurrent\t`).MatchString(out) {
		t.Errorf("after a rotation: %q", out)
	}
	r.fails("unknown command", "keys", "show", "me")
}

func TestShowConfiguredKeys(t *testing.T) {
	r := startWith(t, fmt.Sprintf(`"session":{"keys":[%q,%q]},`, strings.Repeat("k", 32), strings.Repeat("l", 32)))
	if out := r.do("keys", "show"); !regexp.MustCompile(`^CONFIGURED KEY\tSTATE\n[0-9a-f]{16}\tcurrent\n[0-9a-f]{16}\told\n$`).MatchString(out) {
		t.Errorf("printed %q", out)
	}
}

// Where keys are configured, the command says what to do instead.
func TestKeysThatAreConfigured(t *testing.T) {
	r := startWith(t, fmt.Sprintf(`"session":{"keys":[%q]},`, strings.Repeat("k", 32)))
	r.fails("put a new key first in session { key", "keys", "rotate")
	r.fails("put a new key first in session { key", "keys", "rotate", "--retire-now", "--yes")
}
