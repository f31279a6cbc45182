package session_test

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/session"
	"github.com/caddy-wechat/gateway/session/sessiontest"
)

func TestSealedContract(t *testing.T) {
	t.Parallel()
	sessiontest.Suite{
		New: func(t *testing.T, p session.Policy) session.Store {
			return session.Sealed{Keys: newRing(t, secrets[0]), Policy: p, Tombstones: new(graves)}
		},
		Peer: func(t *testing.T, s session.Store) session.Store {
			peer := s.(session.Sealed)
			peer.Keys = newRing(t, secrets[1], secrets[0]) // a rotation under way
			return peer
		},
	}.Run(t)
}

func TestSealedSaysWhy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := session.Sealed{Keys: newRing(t, secrets[0]), Tombstones: new(graves)}
		load := func(value string, b session.Binding, want error) {
			t.Helper()
			if _, err := store.Load(t.Context(), value, b); !errors.Is(err, want) || !errors.Is(err, session.ErrNone) {
				t.Errorf("Load gave %v, want %v", err, want)
			}
		}
		s := newSession()
		value, err := store.Save(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		load("", shop, session.ErrNone)
		load("x"+value[1:], shop, session.ErrTampered)
		load(value, session.Binding{Site: shop.Site, AppID: "wx1"}, session.ErrTampered)

		plain, err := s.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		// Sealed with our key and for the right purpose, yet not our format.
		odd, err := store.Keys.Seal(session.PurposeSession, "24:"+shop.Site+shop.AppID, append(plain, 0))
		if err != nil {
			t.Fatal(err)
		}
		load(odd, shop, session.ErrMalformed)

		if err := store.End(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		load(value, shop, session.ErrEnded)
		time.Sleep(session.DefaultIdle)
		load(value, shop, session.ErrExpired)
	})
}

// A key that is gone, or a key of somebody else, means "sign in again", not an
// error for ever.
func TestSealedForgottenKey(t *testing.T) {
	t.Parallel()
	value, err := session.Sealed{Keys: newRing(t, secrets[0])}.Save(t.Context(), newSession())
	if err != nil {
		t.Fatal(err)
	}
	_, err = session.Sealed{Keys: newRing(t, secrets[1], secrets[2])}.Load(t.Context(), value, shop)
	if !errors.Is(err, session.ErrTampered) || errors.Is(err, session.ErrUnavailable) {
		t.Errorf("Load gave %v, want ErrTampered", err)
	}
}

// Without keys nothing can be said about the visitor.
func TestSealedWithoutKeys(t *testing.T) {
	t.Parallel()
	value, err := session.Sealed{Keys: newRing(t, secrets[0])}.Save(t.Context(), newSession())
	if err != nil {
		t.Fatal(err)
	}
	for _, store := range []session.Sealed{{}, {Keys: new(session.Ring)}} {
		if _, err := store.Save(t.Context(), newSession()); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("Save gave %v, want ErrUnavailable", err)
		}
		_, err := store.Load(t.Context(), value, shop)
		if !errors.Is(err, session.ErrUnavailable) || errors.Is(err, session.ErrNone) {
			t.Errorf("Load gave %v, want ErrUnavailable", err)
		}
	}
}

// A logout that does not work must say so.
func TestSealedEndFails(t *testing.T) {
	t.Parallel()
	ring := newRing(t, secrets[0])
	err := session.Sealed{Keys: ring}.End(t.Context(), newSession())
	if !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("End without tombstones gave %v, want ErrUnavailable", err)
	}
	err = session.Sealed{Keys: ring, Tombstones: &graves{err: io.ErrClosedPipe}}.End(t.Context(), newSession())
	if !errors.Is(err, session.ErrUnavailable) || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("End gave %v, want ErrUnavailable and the cause", err)
	}
}

// Cookies travel with each request: each byte is paid for again and again.
func TestSealedSize(t *testing.T) {
	t.Parallel()
	s := newSession()
	s.Renewed = s.Renewed.Add(20 * 24 * time.Hour)
	value, err := session.Sealed{Keys: newRing(t, secrets[0])}.Save(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("a typical value has %d bytes, with its name %d", len(value), len("__Host-wechat=")+len(value))
	if len(value) > 246 {
		t.Errorf("a typical value has %d bytes, want at most 246", len(value))
	}
}
