package session_test

import (
	"errors"
	"io/fs"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// A key that is added by hand is like one that is added by age: known
// everywhere before it seals, and nobody is signed out.
func TestKeeperAddsAKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newKeyStore()
		keeper, ring := open(t, store)
		_, first := open(t, store) // stays with the first key
		time.Sleep(day)
		before := seal(t, ring)
		added, err := keeper.AddKey(t.Context())
		if err != nil || added.Key == "" || !added.Seals.Equal(time.Now().Add(grace)) || added.Withdrawn != 0 {
			t.Fatalf("AddKey: %+v, %v", added, err)
		}
		time.Sleep(grace - time.Second)
		again, err := keeper.AddKey(t.Context())
		if err != nil || again != added || len(store.secrets(t)) != 2 {
			t.Errorf("a call that is repeated: %+v, %v, %d keys", again, err, len(store.secrets(t)))
		}
		if !opens(first, seal(t, ring)) {
			t.Error("the new key seals before the others know it")
		}
		time.Sleep(time.Second)
		if err := keeper.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if opens(first, seal(t, ring)) || !opens(ring, before) || ring.Withdrawn() != 0 {
			t.Error("the new key does not seal, or the old one does not open")
		}
	})
}

// However often it is called, what is stored can be read, and age goes on
// rotating.
func TestKeeperAddsNotWithoutEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newKeyStore()
		keeper := keeperOf(store)
		keeper.Rotate = day
		ring, err := keeper.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		full := 0
		for range 100 {
			time.Sleep(grace)
			switch _, err := keeper.AddKey(t.Context()); {
			case errors.Is(err, session.ErrManyKeys):
				full++
			case err != nil:
				t.Fatal(err)
			}
		}
		if n := len(store.secrets(t)); n != 32 || full == 0 {
			t.Errorf("%d keys, refused %d times", n, full)
		}
		most := 0
		for range 60 {
			time.Sleep(day)
			if err := keeper.Refresh(t.Context()); err != nil || !opens(ring, seal(t, ring)) {
				t.Fatalf("by age: %v", err)
			}
			most = max(most, len(store.secrets(t)))
		}
		if most <= 32 || most > 64 {
			t.Errorf("%d keys at most", most)
		}
	})
}

// Attack: a key has leaked. One call takes it away at once where it is made,
// and on every gateway that shares the storage within a minute; none goes on
// sealing with it because the new one is young.
func TestAttackLeakedKeyIsRetiredNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newKeyStore()
		keeper, here := open(t, store)
		peer, there := open(t, store)
		time.Sleep(day)
		if _, err := keeper.AddKey(t.Context()); err != nil { // on its way, and known to the thief too
			t.Fatal(err)
		}
		if err := peer.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		running(t, keeper, peer)
		leaked := seal(t, here)
		withdrawn := here.Withdrawn()
		retired, err := keeper.RetireNow(t.Context())
		if err != nil || retired.Key == "" || retired.Seals.After(time.Now()) || retired.Withdrawn != 2 {
			t.Fatalf("RetireNow: %+v, %v", retired, err)
		}
		if opens(here, leaked) || here.Withdrawn() == withdrawn || len(store.secrets(t)) != 1 {
			t.Error("the leaked key is not gone here")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if opens(there, leaked) || there.Withdrawn() == 0 {
			t.Error("the leaked key is not gone on the other gateway")
		}
		if !opens(here, seal(t, there)) || !opens(there, seal(t, here)) {
			t.Error("the gateways seal with different keys")
		}
		_, restarted := open(t, store)
		if opens(restarted, leaked) || !opens(restarted, seal(t, here)) {
			t.Error("a restart brings the key back")
		}
	})
}

// Two gateways that retire at the same time have one key in the end.
func TestKeepersRetireTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newKeyStore()
		a, ringA := open(t, store)
		b, ringB := open(t, store)
		done := make(chan error, 2)
		for _, keeper := range []*session.KeyManager{a, b} {
			go func() { _, err := keeper.RetireNow(t.Context()); done <- err }()
		}
		if err := errors.Join(<-done, <-done); err != nil {
			t.Fatal(err)
		}
		running(t, a, b)
		time.Sleep(time.Minute)
		synctest.Wait()
		if !opens(ringA, seal(t, ringB)) || !opens(ringB, seal(t, ringA)) || len(store.secrets(t)) != 1 {
			t.Error("the gateways seal with different keys")
		}
	})
}

// What cannot be done changes nothing: neither the ring nor what is stored.
func TestKeeperCannotChangeKeys(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection refused")
	for name, c := range map[string]struct {
		fail       func(*keyStore)
		configured bool
		want       error
	}{
		"configured": {func(*keyStore) {}, true, session.ErrConfigured},
		"unreadable": {func(k *keyStore) { k.fail(broken, nil, nil) }, false, session.ErrUnavailable},
		"read-only":  {func(k *keyStore) { k.fail(nil, fs.ErrPermission, nil) }, false, session.ErrUnavailable},
		"no lock":    {func(k *keyStore) { k.fail(nil, nil, broken) }, false, session.ErrUnavailable},
		"corrupt":    {func(k *keyStore) { k.put([]byte("{")) }, false, session.ErrKeyFile},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newKeyStore()
			keeper, ring := open(t, store)
			if c.configured {
				keeper, ring = join(t, store)
			}
			sealed := seal(t, ring)
			c.fail(store)
			before := string(store.get())
			if _, err := keeper.AddKey(t.Context()); !errors.Is(err, c.want) {
				t.Errorf("AddKey gave %v, want %v", err, c.want)
			}
			if _, err := keeper.RetireNow(t.Context()); !errors.Is(err, c.want) {
				t.Errorf("RetireNow gave %v, want %v", err, c.want)
			}
			if !opens(ring, sealed) || string(store.get()) != before || ring.Withdrawn() != 0 {
				t.Error("something changed")
			}
		})
	}
}
