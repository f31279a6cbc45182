package session_test

import (
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
