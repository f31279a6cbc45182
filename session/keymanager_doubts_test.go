package session_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// A fleet that is half-way through a change of its configuration: the keys that
// one gateway still generates are not retired by the other, and both say what
// is wrong.
func TestKeeperOfAMixedFleet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newKeyStore()
		var log bytes.Buffer
		generating := keeperOf(store)
		generating.Logger = slog.New(slog.NewTextHandler(&log, nil))
		generated, err := generating.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		joined, ring := join(t, store)
		for range 60 {
			time.Sleep(day)
			for _, keeper := range []*session.KeyManager{joined, generating} {
				if err := keeper.Refresh(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if sealed := seal(t, generated); !opens(ring, sealed) || !opens(generated, sealed) {
				t.Fatal("a key that seals was retired")
			}
		}
		if !strings.Contains(log.String(), "all gateways must have the same keys") {
			t.Errorf("it said %q", log.String())
		}
	})
}

// A moment that a broken clock has noted retires nothing at once, and keeps
// nothing for ever.
func TestKeeperDoubtsAWrongMoment(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ noted, key time.Duration }{
		"before the newest key": {noted: -200 * day, key: 0},
		"far in the future":     {noted: 900 * day, key: 0},
		"a key of the future":   {noted: 0, key: 900 * day},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(400 * day)
				store := newKeyStore()
				_, generated := open(t, store)
				sealed := seal(t, generated)
				var file map[string]any
				if err := json.Unmarshal(store.get(), &file); err != nil {
					t.Fatal(err)
				}
				file["superseded"] = time.Now().Add(c.noted)
				file["keys"].([]any)[0].(map[string]any)["created"] = time.Now().Add(c.key)
				data, err := json.Marshal(file)
				if err != nil {
					t.Fatal(err)
				}
				store.put(data)
				keeper, ring := join(t, store)
				if !opens(ring, sealed) {
					t.Error("the key was retired at once")
				}
				writes := store.stores
				time.Sleep(30*day + 2*grace)
				if err := keeper.Refresh(t.Context()); err != nil || opens(ring, sealed) {
					t.Errorf("Refresh: %v, or the key opens for ever", err)
				}
				if store.stores != writes {
					t.Error("the moment is noted again and again")
				}
			})
		})
	}
}
