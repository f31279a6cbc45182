package caddymodule

import (
	"slices"
	"testing"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Each kind of account can be configured, in a list of its own.
func TestEveryAccountKindHasAnEntry(t *testing.T) {
	t.Parallel()
	app, lists := new(App), map[*[]*Account]bool{}
	kinds := make([]wechat.AccountKind, 0, len(accountKinds))
	for _, e := range accountKinds {
		kinds = append(kinds, e.kind)
		lists[e.list(app)] = true
	}
	if want := wechat.AccountKinds(); !slices.Equal(kinds, want) {
		t.Errorf("there are entries for %q, want %q", kinds, want)
	}
	if len(lists) != len(kinds) {
		t.Errorf("%d kinds share %d lists of accounts, want a list for each", len(kinds), len(lists))
	}
	if got, want := otherKinds(), "mini_program, mobile_app or website"; got != want {
		t.Errorf("the doors are called %q, want %q", got, want)
	}
}
