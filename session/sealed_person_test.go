package session_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// crypt are tombstones that know persons too.
type crypt struct {
	graves
	person string
	at     time.Time
}

func (c *crypt) PersonEnded(person string) time.Time {
	if person != c.person {
		return time.Time{}
	}
	return c.at
}

// When all sessions of a person are ended, every sealed copy of each of them is
// worth nothing at once, and nothing brings it back.
func TestSealedEndsAllOfAPerson(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tombs := &crypt{}
		store := session.Sealed{Keys: newRing(t, secrets[0]), Tombstones: tombs}
		old := newSession()
		value, err := store.Save(t.Context(), old)
		if err != nil {
			t.Fatal(err)
		}
		other := session.New(shop, "zz2cd3ef4gh5ij6kl7mnopqrst", "oOther", session.ScopeBase)
		otherValue, err := store.Save(t.Context(), other)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Hour)
		tombs.person, tombs.at = old.Person, time.Now().UTC().Truncate(time.Second)
		if _, err := store.Load(t.Context(), value, shop); !errors.Is(err, session.ErrEnded) {
			t.Errorf("Load gave %v, want ErrEnded", err)
		}
		if _, err := store.Renew(t.Context(), old); !errors.Is(err, session.ErrEnded) {
			t.Errorf("Renew gave %v, want ErrEnded", err)
		}
		if _, err := store.Load(t.Context(), otherValue, shop); err != nil {
			t.Errorf("somebody else: %v", err)
		}
		time.Sleep(time.Second)
		again, err := store.Save(t.Context(), newSession())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Load(t.Context(), again, shop); err != nil {
			t.Errorf("a sign-in after the end: %v", err)
		}
	})
}

func TestSessionEndedBy(t *testing.T) {
	t.Parallel()
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, test := range map[string]struct {
		person  string
		created time.Time
		at      time.Time
		want    bool
	}{
		"never ended":      {"p", at, time.Time{}, false},
		"before":           {"p", at.Add(-time.Second), at, true},
		"in that second":   {"p", at, at, true},
		"after":            {"p", at.Add(time.Second), at, false},
		"a guest":          {"", at, at, true}, // PersonEnded("") is the end of everyone's sessions
		"another location": {"p", at, at.In(time.FixedZone("x", 3600)), true},
	} {
		s := session.Session{Person: test.person, Created: test.created}
		if got := s.EndedBy(test.at); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// It is asked on every request: no memory.
func TestSealedPersonCostsNoMemory(t *testing.T) {
	tombs := &crypt{person: "p", at: time.Now()}
	s := newSession()
	var asked session.Tombstones = tombs
	if n := testing.AllocsPerRun(100, func() {
		if p, ok := asked.(session.PersonTombstones); !ok || s.EndedBy(p.PersonEnded(s.Person)) {
			t.Fatal("ended")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
