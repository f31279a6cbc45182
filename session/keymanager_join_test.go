package session_test

import (
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/session"
)

// Whoever begins to configure keys signs nobody out, and what is sealed from
// then on is sealed by the configured key.
func TestKeeperJoin(t *testing.T) {
	t.Parallel()
	configured := strings.Repeat("c", 32)
	store := newKeyStore()
	keeper := &session.KeyManager{Storage: store, Name: "keys"}
	ring, err := keeper.Join(t.Context(), configured)
	if err != nil {
		t.Fatalf("nothing is kept: %v", err)
	}
	if store.stores != 0 {
		t.Error("Join made a key")
	}
	alone := seal(t, ring)

	_, kept := open(t, store)
	before := seal(t, kept)
	joined, err := keeper.Join(t.Context(), configured)
	if err != nil {
		t.Fatal(err)
	}
	if !opens(joined, before) || !opens(joined, alone) {
		t.Error("the joined ring does not open what was sealed before")
	}
	only, err := session.NewRing(configured)
	if err != nil {
		t.Fatal(err)
	}
	if !opens(only, seal(t, joined)) {
		t.Error("the joined ring does not seal with the configured key")
	}
	if _, err := keeper.Join(t.Context(), "weak"); err == nil {
		t.Error("a weak key was taken")
	}
}
