package sessiontest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/caddy-wechat/gateway/session"
)

// loads checks that a value loads on both instances, each time as a new
// Session.
func (s subject) loads(t *testing.T, value string, want session.Session) {
	t.Helper()
	for _, store := range []session.Store{s.Store, s.peer} {
		got, err := store.Load(t.Context(), value, want.Binding())
		if err != nil {
			t.Fatalf("Load: %v", err)
		}
		if *got != want {
			t.Fatalf("Load gave %s, want %s", fields(*got), fields(want))
		}
		got.Person = "changed by a caller"
	}
}

// loadsNothing checks that a value does not load on either instance.
func (s subject) loadsNothing(t *testing.T, value string, b session.Binding) {
	t.Helper()
	for _, store := range []session.Store{s.Store, s.peer} {
		got, err := store.Load(t.Context(), value, b)
		if got != nil || !errors.Is(err, session.ErrNone) || errors.Is(err, session.ErrUnavailable) {
			t.Fatalf("Load of %.80q under %+v gave %v and %v, want an ErrNone", value, b, got, err)
		}
	}
}

// noRenewal checks that neither instance renews a session that is over.
func (s subject) noRenewal(t *testing.T, v *session.Session) {
	t.Helper()
	before := *v
	for _, store := range []session.Store{s.Store, s.peer} {
		value, err := store.Renew(t.Context(), v)
		if value != "" || !errors.Is(err, session.ErrNone) {
			t.Fatalf("Renew gave %q and %v, want an ErrNone", value, err)
		}
	}
	if *v != before {
		t.Fatalf("a failed Renew changed the session: %s, was %s", fields(*v), fields(before))
	}
}

// same compares two sessions. It ignores what a store may note in a session for
// its own use.
func same(t *testing.T, a, b *session.Session) bool {
	t.Helper()
	binaryA, errA := a.MarshalBinary()
	binaryB, errB := b.MarshalBinary()
	if errA != nil || errB != nil {
		t.Fatalf("MarshalBinary: %v, %v", errA, errB)
	}
	return bytes.Equal(binaryA, binaryB) && a.Binding() == b.Binding()
}

// fields shows all fields of a session, which its own print forms do not.
func fields(v session.Session) string {
	type plain session.Session
	return fmt.Sprintf("%+v", plain(v))
}
