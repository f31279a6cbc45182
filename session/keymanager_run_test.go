package session_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

func TestKeeperSettings(t *testing.T) {
	t.Parallel()
	store := newKeyStore()
	for _, c := range []struct {
		name   string
		keeper *session.KeyManager
		good   bool
	}{
		{"no storage", &session.KeyManager{Name: "keys"}, false},
		{"no name", &session.KeyManager{Storage: store}, false},
		{"too often", &session.KeyManager{Storage: store, Name: "keys", Rotate: time.Hour - 1}, false},
		{"negative rotate", &session.KeyManager{Storage: store, Name: "keys", Rotate: -1}, false},
		{"negative keep", &session.KeyManager{Storage: store, Name: "keys", Keep: -1}, false},
		{"too many keys", &session.KeyManager{Storage: store, Name: "keys", Rotate: day, Keep: 49 * day}, false},
		{"defaults", &session.KeyManager{Storage: store, Name: "keys"}, true},
		{"hourly", &session.KeyManager{Storage: store, Name: "keys", Rotate: time.Hour, Keep: 2 * day}, true},
		{"ten years", &session.KeyManager{Storage: store, Name: "keys", Keep: 3650 * day}, true},
	} {
		_, err := c.keeper.Open(t.Context())
		if c.good != (err == nil) || !c.good && !errors.Is(err, session.ErrInvalid) {
			t.Errorf("%s: Open gave %v", c.name, err)
		}
	}
}

// The shortest rotation and the longest keep: the number of keys stays bounded.
func TestKeeperManyKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newKeyStore()
		keeper := &session.KeyManager{Storage: store, Name: "keys", Rotate: time.Hour, Keep: 48 * time.Hour}
		ring, err := keeper.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for range 24 * 7 * 12 {
			time.Sleep(5 * time.Minute)
			if err := keeper.Refresh(t.Context()); err != nil {
				t.Fatalf("Refresh: %v", err)
			}
			if !opens(ring, seal(t, ring)) {
				t.Fatal("a value does not open")
			}
		}
		if n := len(store.secrets(t)); n > 51 {
			t.Errorf("%d keys are kept", n)
		}
	})
}

// A broken clock, here or at another gateway, must not retire keys in use.
func TestKeeperWrongClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newKeyStore()
		time.Sleep(400 * day)
		_, first := open(t, store)
		sealed := seal(t, first)
		// The clock is now behind the one that made the key.
		var file map[string]any
		if err := json.Unmarshal(store.get(), &file); err != nil {
			t.Fatal(err)
		}
		file["keys"].([]any)[0].(map[string]any)["created"] = time.Now().Add(400 * day)
		data, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		store.put(data)
		var log bytes.Buffer
		keeper := &session.KeyManager{Storage: store, Name: "keys", Logger: slog.New(slog.NewTextHandler(&log, nil))}
		ring, err := keeper.Open(t.Context())
		if err != nil || !opens(ring, sealed) || len(store.secrets(t)) != 1 {
			t.Errorf("Open: %v, %d keys", err, len(store.secrets(t)))
		}
		if !strings.Contains(log.String(), "check the clocks") {
			t.Errorf("it said %q", log.String())
		}
	})
}

func TestKeeperRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newKeyStore()
		var log bytes.Buffer
		keeper := &session.KeyManager{Storage: store, Name: "keys", Logger: slog.New(slog.NewTextHandler(&log, nil))}
		if _, err := keeper.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { keeper.Run(ctx) })

		loads := store.reads()
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := store.reads() - loads; n < 60 || n > 76 {
			t.Errorf("the keys were read %d times in an hour", n)
		}
		// It goes on while there is trouble, and each time says so.
		store.fail(io.ErrClosedPipe, nil, nil)
		loads = store.reads()
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := store.reads() - loads; n < 55 || n > 76 {
			t.Errorf("the keys were read %d times in an hour of trouble", n)
		}
		cancel()
		all.Wait()
		if n := strings.Count(log.String(), "could not be refreshed"); n < 55 {
			t.Errorf("it complained %d times", n)
		}
		for _, secret := range store.secrets(t) {
			if strings.Contains(log.String(), secret) {
				t.Error("a secret was logged")
			}
		}
	})
}

// Somebody else holds the lock for ever: Open gives up, with an error.
func TestKeeperLockedOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newKeyStore()
		if err := store.Lock(t.Context(), "keys"); err != nil {
			t.Fatal(err)
		}
		keeper := &session.KeyManager{Storage: store, Name: "keys"}
		start := time.Now()
		_, err := keeper.Open(t.Context())
		if !errors.Is(err, session.ErrUnavailable) || time.Since(start) > time.Minute {
			t.Errorf("Open gave %v after %s", err, time.Since(start))
		}
	})
}

// A lock that cannot be given back is said, and the key is there all the same.
func TestKeeperUnlockFails(t *testing.T) {
	t.Parallel()
	store := newKeyStore()
	store.unlockErr = io.ErrClosedPipe
	var log bytes.Buffer
	keeper := &session.KeyManager{Storage: store, Name: "keys", Logger: slog.New(slog.NewTextHandler(&log, nil))}
	if _, err := keeper.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if store.locked != 1 || !strings.Contains(log.String(), "could not be released") {
		t.Errorf("it said %q", log.String())
	}
}
