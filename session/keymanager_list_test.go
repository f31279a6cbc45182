package session_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

func TestKeeperKnowsItsNewestKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newKeyStore()
		keeper := &session.KeyManager{Storage: store, Name: "keys", Rotate: day, Keep: 7 * day}
		if at := keeper.NewestKey(); !at.IsZero() {
			t.Errorf("before Open: %v", at)
		}
		if _, err := keeper.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		first := time.Now()
		if at := keeper.NewestKey(); !at.Equal(first) {
			t.Errorf("at first: %v, want %v", at, first)
		}
		time.Sleep(day + time.Minute)
		if err := keeper.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if at, now := keeper.NewestKey(), time.Now(); !at.Equal(now) {
			t.Errorf("after a rotation: %v, want %v", at, now)
		}
		configured := &session.KeyManager{Storage: store, Name: "keys", Rotate: day, Keep: 7 * day}
		if _, err := configured.Join(t.Context(), secrets[0]); err != nil {
			t.Fatal(err)
		}
		if at := configured.NewestKey(); !at.IsZero() {
			t.Errorf("with a configured key: %v", at)
		}
	})
}

// The list says what each key does, from its making to its end, and has no
// secret.
func TestKeeperListsItsKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newKeyStore()
		keeper := &session.KeyManager{Storage: store, Name: "keys", Rotate: 30 * day, Keep: 7 * day}
		wants := func(when string, want ...session.KeyInfo) {
			t.Helper()
			if got := keeper.Keys(); !slices.Equal(got, want) {
				t.Errorf("%s:\n%+v, want\n%+v", when, got, want)
			}
		}
		wants("before Open")
		if _, err := keeper.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		made := time.Now().UTC()
		first := session.KeyInfo{ID: keeper.Keys()[0].ID, Created: made, Seals: made, State: session.KeyCurrent}
		wants("at first", first)

		time.Sleep(day)
		added, err := keeper.AddKey(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		next := session.KeyInfo{ID: added.Key, Created: time.Now().UTC(), Seals: time.Now().UTC().Add(grace), State: session.KeyNext}
		wants("after AddKey", next, first)

		time.Sleep(grace)
		next.State, first.State = session.KeyCurrent, session.KeyOld
		wants("when it seals", next, first)

		time.Sleep(grace + 7*day)
		next.Seals = next.Created // it is the oldest now
		wants("when the first has expired", next)

		now, err := keeper.RetireNow(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wants("after RetireNow", session.KeyInfo{ID: now.Key, Created: time.Now().UTC(), Seals: time.Now().UTC(), State: session.KeyCurrent})

		configured := &session.KeyManager{Storage: store, Name: "keys", Rotate: 30 * day, Keep: 7 * day}
		if _, err := configured.Join(t.Context(), secrets[0]); err != nil {
			t.Fatal(err)
		}
		if got := configured.Keys(); len(got) > 0 {
			t.Errorf("with a configured key: %+v", got)
		}
	})
}
