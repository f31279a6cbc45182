package assertion

import (
	"testing"
	"testing/synctest"
	"time"
)

// What is prepared about a person goes when the person is erased, and otherwise
// when it shares no token any more.
func TestStatementsAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(Signer)
		rule := Rule{Lifetime: DefaultLifetime, Algorithm: ES256}
		state := func(person string) *Statement {
			return s.Statement(rule, Claims{Subject: person, OpenID: "o" + person})
		}
		has := func(when string, persons ...string) {
			t.Helper()
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, person := range persons {
				if s.statements[statementKey{Claims{Subject: person, OpenID: "o" + person}, rule}] == nil {
					t.Errorf("%s: nothing about %s", when, person)
				}
			}
			if len(s.statements) != len(persons) {
				t.Errorf("%s: %d statements, want %q", when, len(s.statements), persons)
			}
		}
		erased, known := state("erased"), state("known")
		if state("known") != known {
			t.Error("equal claims do not share a statement")
		}
		s.Forget("erased", "merged")
		has("after the erasure", "known")
		if state("erased") == erased {
			t.Error("it is not forgotten")
		}
		known.last.Store(&Token{at: time.Now().Add(reuse / 2)}) // was signed later
		time.Sleep(reuse + time.Second)
		has("after a minute", "known")
		time.Sleep(reuse)
		has("later")
		state("new")
		time.Sleep(2*reuse + time.Second)
		has("swept again")
	})
}
