package session_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

const grace = 15 * time.Minute

var configured = strings.Repeat("c", 32)

// keeperOf is a keeper on a storage, as each configuration makes its own.
func keeperOf(store *keyStore) *session.KeyManager {
	return &session.KeyManager{Storage: store, Name: "keys", Keep: 30 * day, Rotate: 30 * day}
}

// join is a gateway whose operator configures a key.
func join(t *testing.T, store *keyStore) (*session.KeyManager, *session.Ring) {
	t.Helper()
	keeper := keeperOf(store)
	ring, err := keeper.Join(t.Context(), configured)
	if err != nil {
		t.Fatalf("Join: %v", err)
	}
	return keeper, ring
}

// running has a keeper keep time until the test ends.
func running(t *testing.T, keepers ...*session.KeyManager) {
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, keeper := range keepers {
		all.Go(func() { keeper.Run(ctx) })
	}
	t.Cleanup(func() { cancel(); all.Wait() })
}

func superseded(t *testing.T, store *keyStore) time.Time {
	t.Helper()
	var file struct{ Superseded time.Time }
	if err := json.Unmarshal(store.get(), &file); err != nil {
		t.Fatal(err)
	}
	return file.Superseded
}

// Attack: a generated key of before, which is looked after no more, signs its
// holder in for ever once keys are configured. It opens for as long as what it
// sealed may live, in a process that runs on and across restarts and reloads.
func TestAttackGeneratedKeyOutlivesItsSessions(t *testing.T) {
	t.Parallel()
	for name, restarts := range map[string]bool{"in one process": false, "with restarts": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := newKeyStore()
				_, generated := open(t, store)
				leaked := seal(t, generated)
				time.Sleep(12 * day)
				keeper, ring := join(t, store)
				if !restarts {
					running(t, keeper)
				}
				began := time.Now()
				for time.Since(began) < 30*day+2*grace-time.Hour {
					if restarts {
						_, ring = join(t, store)
					}
					if !opens(ring, leaked) {
						t.Fatalf("signed out after %s", time.Since(began))
					}
					time.Sleep(5 * time.Hour)
				}
				time.Sleep(time.Until(began.Add(30*day + 2*grace + 2*time.Minute)))
				if restarts {
					_, ring = join(t, store)
				}
				if opens(ring, leaked) {
					t.Error("the key opens for ever")
				}
				if !opens(ring, seal(t, ring)) || ring.Withdrawn() == 0 && !restarts {
					t.Error("the configured key is not alone on the ring")
				}
			})
		})
	}
}

// Several gateways of one storage note the moment once, and a parser that does
// not know the note reads the file.
func TestKeeperNotesSupersededOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newKeyStore()
		open(t, store)
		secrets := store.secrets(t)
		time.Sleep(day)
		at := time.Now()
		keepers := make([]*session.KeyManager, 8)
		var all sync.WaitGroup
		for i := range keepers {
			all.Go(func() { keepers[i], _ = join(t, store) })
		}
		all.Wait()
		running(t, keepers...)
		time.Sleep(3 * day)
		synctest.Wait()
		if got := superseded(t, store); !got.Equal(at) || store.stores != 2 {
			t.Errorf("superseded at %s, want %s, in %d writes", got, at, store.stores)
		}
		if got := store.secrets(t); fmt.Sprint(got) != fmt.Sprint(secrets) {
			t.Error("the keys changed")
		}
	})
}

// A storage that cannot be written is no reason not to serve, nor for a key to
// live for ever: a process that runs on keeps the time itself. It says so once.
func TestKeeperRetiresOnReadOnlyStorage(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*keyStore){
		"unwritable": func(k *keyStore) { k.fail(nil, fs.ErrPermission, nil) },
		"no lock":    func(k *keyStore) { k.fail(nil, nil, fs.ErrPermission) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := newKeyStore()
				_, generated := open(t, store)
				sealed := seal(t, generated)
				fail(store)
				var log bytes.Buffer
				keeper := keeperOf(store)
				keeper.Logger = slog.New(slog.NewTextHandler(&log, nil))
				ring, err := keeper.Join(t.Context(), configured)
				if err != nil {
					t.Fatalf("Join: %v", err)
				}
				for range 30 {
					if err := keeper.Refresh(t.Context()); err != nil || !opens(ring, sealed) {
						t.Fatalf("Refresh: %v, or signed out", err)
					}
					time.Sleep(day)
				}
				time.Sleep(2 * grace)
				if err := keeper.Refresh(t.Context()); err != nil || opens(ring, sealed) {
					t.Errorf("Refresh: %v, or the key opens for ever", err)
				}
				if n := strings.Count(log.String(), "could not record in the storage"); n != 1 || !strings.Contains(log.String(), "level=WARN") {
					t.Errorf("it said %d times:\n%s", n, log.String())
				}
			})
		})
	}
}

// A storage that cannot be read, or that lost the keys, stops no clock.
func TestKeeperRetiresWithoutTheStorage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fail func(*keyStore)
		want error
	}{
		"unreadable": {func(k *keyStore) { k.fail(fs.ErrPermission, nil, nil) }, session.ErrUnavailable},
		"gone":       {func(k *keyStore) { k.put(nil) }, nil},
		"corrupt":    {func(k *keyStore) { k.put([]byte("[]")) }, session.ErrKeyFile},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := newKeyStore()
				_, generated := open(t, store)
				sealed := seal(t, generated)
				keeper, ring := join(t, store)
				c.fail(store)
				time.Sleep(30 * day)
				if err := keeper.Refresh(t.Context()); !errors.Is(err, c.want) || !opens(ring, sealed) {
					t.Errorf("Refresh gave %v, want %v, or signed out", err, c.want)
				}
				time.Sleep(2 * grace)
				if err := keeper.Refresh(t.Context()); !errors.Is(err, c.want) || opens(ring, sealed) {
					t.Errorf("Refresh gave %v, want %v, or the key opens for ever", err, c.want)
				}
			})
		})
	}
}

// An operator who goes back to generated keys soon signs nobody out.
func TestKeeperGeneratesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newKeyStore()
		_, first := open(t, store)
		sealed := seal(t, first)
		time.Sleep(day)
		join(t, store)
		time.Sleep(29 * day)
		_, again := open(t, store)
		if !opens(again, sealed) || !superseded(t, store).IsZero() {
			t.Error("the keys in between are lost, or still count as superseded")
		}
		time.Sleep(2 * day) // a clock that went on would retire them now
		if _, later := open(t, store); !opens(later, seal(t, again)) {
			t.Error("the key that seals was retired")
		}
	})
}

// Attack: keys that were out of use for longer than anything lives, and that
// somebody may have got hold of since, sign their holder in when keys are
// generated again.
func TestAttackRetiredKeysComeBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newKeyStore()
		_, first := open(t, store)
		leaked := seal(t, first)
		old := store.secrets(t)[0]
		join(t, store)
		time.Sleep(30*day + 2*grace)

		store.fail(nil, fs.ErrPermission, nil) // not even where no new one can be stored
		if _, err := keeperOf(store).Open(t.Context()); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("Open gave %v, want ErrUnavailable", err)
		}
		store.fail(nil, nil, nil)
		keeper, ring := open(t, store)
		if opens(ring, leaked) || !superseded(t, store).IsZero() || len(store.secrets(t)) != 1 || store.secrets(t)[0] == old {
			t.Error("a retired key is in use again")
		}
		_, other := open(t, store)
		if !opens(other, seal(t, ring)) || keeper.Refresh(t.Context()) != nil {
			t.Error("the new key is not everybody's")
		}
	})
}
