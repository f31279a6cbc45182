package session_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// open opens a keeper on a storage.
func open(t *testing.T, store *keyStore) (*session.KeyManager, *session.Ring) {
	t.Helper()
	keeper := &session.KeyManager{Storage: store, Name: "keys", Keep: 30 * day, Rotate: 30 * day}
	ring, err := keeper.Open(t.Context())
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return keeper, ring
}

func seal(t *testing.T, ring *session.Ring) string {
	t.Helper()
	sealed, err := ring.Seal(session.PurposeFlow, "", []byte("plain"))
	if err != nil {
		t.Fatalf("Seal: %v", err)
	}
	return sealed
}

func opens(ring *session.Ring, sealed string) bool {
	plain, err := ring.Open(session.PurposeFlow, "", sealed)
	return err == nil && string(plain) == "plain"
}

// Gateways that start together, and one that starts again, have one key.
func TestKeeperFirstKey(t *testing.T) {
	t.Parallel()
	store := newKeyStore()
	rings := make([]*session.Ring, 16)
	var all sync.WaitGroup
	for i := range rings {
		all.Go(func() { _, rings[i] = open(t, store) })
	}
	all.Wait()
	if store.stores != 1 || len(store.secrets(t)) != 1 {
		t.Fatalf("%d keys were stored in %d writes", len(store.secrets(t)), store.stores)
	}
	sealed := seal(t, rings[0])
	_, again := open(t, store)
	for i, ring := range append(rings, again) {
		if !opens(ring, sealed) {
			t.Errorf("gateway %d has another key", i)
		}
	}
}

// Two gateways, and a third that starts now and then, over six rotations:
// whatever one seals opens on all, at once and for the lifetime of a session.
func TestKeepersConverge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newKeyStore()
		start := func() (*session.KeyManager, *session.Ring) {
			keeper := &session.KeyManager{Storage: store, Name: "keys", Keep: 10 * day, Rotate: 10 * day}
			ring, err := keeper.Open(t.Context())
			if err != nil {
				t.Fatalf("Open: %v", err)
			}
			return keeper, ring
		}
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		defer all.Wait()
		defer cancel()
		a, ringA := start()
		time.Sleep(100 * time.Second)
		b, ringB := start()
		all.Go(func() { a.Run(ctx) })
		all.Go(func() { b.Run(ctx) })

		type made struct {
			sealed string
			at     time.Time
		}
		var alive []made
		most, keys := 0, map[string]bool{}
		for end := time.Now().Add(60 * day); time.Now().Before(end); time.Sleep(7*time.Hour + 11*time.Minute) {
			alive = append(alive, made{seal(t, ringA), time.Now()}, made{seal(t, ringB), time.Now()})
			for len(alive) > 0 && time.Since(alive[0].at) >= 10*day {
				alive = alive[1:]
			}
			_, restarted := start()
			for _, m := range alive {
				if !opens(ringA, m.sealed) || !opens(ringB, m.sealed) || !opens(restarted, m.sealed) {
					t.Fatalf("at %s a value of %s does not open", time.Now(), m.at)
				}
			}
			for _, s := range store.secrets(t) {
				keys[s] = true
			}
			most = max(most, len(store.secrets(t)))
		}
		if len(keys) != 6 || most > 3 {
			t.Errorf("%d keys were made, up to %d kept at a time", len(keys), most)
		}
	})
}

func TestKeeperRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newKeyStore()
		keeper, ring := open(t, store)
		_, first := open(t, store) // stays with the first key
		refresh := func(after time.Duration) {
			t.Helper()
			time.Sleep(after)
			if err := keeper.Refresh(t.Context()); err != nil {
				t.Fatalf("Refresh: %v", err)
			}
		}
		refresh(30*day - time.Second)
		if store.stores != 1 {
			t.Fatal("a new key was made too early")
		}
		refresh(time.Second)
		if store.stores != 2 || len(store.secrets(t)) != 2 {
			t.Fatal("no new key was made")
		}
		refresh(14 * time.Minute)
		if !opens(first, seal(t, ring)) {
			t.Fatal("the new key sealed before the others knew it")
		}
		refresh(time.Minute)
		if opens(first, seal(t, ring)) {
			t.Fatal("the new key does not seal")
		}
		old := seal(t, first)
		refresh(30*day + 15*time.Minute - time.Second)
		if !opens(ring, old) {
			t.Fatal("the old key was dropped before its sessions had expired")
		}
		refresh(time.Second)
		if opens(ring, old) || len(store.secrets(t)) != 2 {
			t.Fatal("the old key was kept too long")
		}
	})
}

// Unavailable is not absent: no new key unless the storage says that there is
// none.
func TestKeeperTroubleAtStart(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection refused")
	for _, c := range []struct {
		name  string
		fault func(*keyStore)
		want  error
	}{
		{"unreadable", func(k *keyStore) { k.fail(broken, nil, nil) }, session.ErrUnavailable},
		{"unwritable", func(k *keyStore) { k.fail(nil, broken, nil) }, session.ErrUnavailable},
		{"no lock", func(k *keyStore) { k.fail(nil, nil, broken) }, session.ErrUnavailable},
		{"no permission", func(k *keyStore) { k.fail(fs.ErrPermission, nil, nil) }, session.ErrUnavailable},
		{"empty", func(k *keyStore) { k.put([]byte{}) }, session.ErrKeyFile},
		{"corrupt", func(k *keyStore) { k.put([]byte("{")) }, session.ErrKeyFile},
		{"later version", func(k *keyStore) { k.put([]byte(`{"version":2}`)) }, session.ErrKeyFile},
	} {
		store := newKeyStore()
		c.fault(store)
		before := store.get()
		keeper := &session.KeyManager{Storage: store, Name: "keys"}
		for range 2 {
			ring, err := keeper.Open(t.Context())
			if ring != nil || !errors.Is(err, c.want) || errors.Is(err, session.ErrNone) {
				t.Errorf("%s: Open gave %v, %v, want %v", c.name, ring, err, c.want)
			}
		}
		if !bytes.Equal(store.get(), before) || len(store.lock) != 0 {
			t.Errorf("%s: the storage was changed, or stayed locked", c.name)
		}
		// It works as soon as the storage does.
		store.fail(nil, nil, nil)
		store.put(nil)
		if err := keeper.Refresh(t.Context()); err != nil {
			t.Errorf("%s: Refresh: %v", c.name, err)
		}
		if ring, err := keeper.Open(t.Context()); err != nil || !opens(ring, seal(t, ring)) {
			t.Errorf("%s: Open afterwards: %v", c.name, err)
		}
	}
}

// A gateway at work goes on with the keys it has, whatever happens to the
// storage.
func TestKeeperTroubleAtWork(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault func(*keyStore)
		want  error
	}{
		"unreadable": {func(k *keyStore) { k.fail(io.ErrClosedPipe, nil, nil) }, session.ErrUnavailable},
		"unwritable": {func(k *keyStore) { k.fail(nil, io.ErrClosedPipe, nil) }, session.ErrUnavailable},
		"no lock":    {func(k *keyStore) { k.fail(nil, nil, io.ErrClosedPipe) }, session.ErrUnavailable},
		"gone":       {func(k *keyStore) { k.put(nil) }, session.ErrUnavailable},
		"corrupt":    {func(k *keyStore) { k.put([]byte("[]")) }, session.ErrKeyFile},
	} {
		synctest.Test(t, func(t *testing.T) {
			store := newKeyStore()
			keeper, ring := open(t, store)
			sealed := seal(t, ring)
			time.Sleep(31 * day) // a rotation is due
			c.fault(store)
			before := store.get()
			if err := keeper.Refresh(t.Context()); !errors.Is(err, c.want) {
				t.Errorf("%s: Refresh gave %v, want %v", name, err, c.want)
			}
			if !opens(ring, sealed) || !opens(ring, seal(t, ring)) || !bytes.Equal(store.get(), before) {
				t.Errorf("%s: the keys did not stay", name)
			}
		})
	}
}

// A storage that can be read but not written is no reason not to start.
func TestKeeperOpensReadOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newKeyStore()
		_, first := open(t, store)
		time.Sleep(31 * day)
		store.fail(nil, fs.ErrPermission, nil)
		var log bytes.Buffer
		keeper := &session.KeyManager{Storage: store, Name: "keys", Logger: slog.New(slog.NewTextHandler(&log, nil))}
		ring, err := keeper.Open(t.Context())
		if err != nil || !opens(ring, seal(t, first)) {
			t.Fatalf("Open: %v", err)
		}
		if !strings.Contains(log.String(), "could not be rotated") {
			t.Errorf("it said %q", log.String())
		}
	})
}
