package wechat

import (
	"slices"
	"testing"
)

// The words are in Caddyfiles, the scopes in sessions: neither may change.
func TestAccountKinds(t *testing.T) {
	t.Parallel()
	rows := []struct {
		word   string
		kind   AccountKind
		scope  string
		every  bool // its sessions satisfy every scope
		tokens bool // its clients are given tokens
		global bool // it has an access token of its own
	}{
		{"official_account", OfficialAccount, "snsapi_base", false, false, true},
		{"mini_program", MiniProgram, "mini_program", true, true, true},
		{"mobile_app", MobileApp, "mobile_app", true, true, false},
		{"website", Website, "snsapi_login", true, false, false},
	}
	kinds := make([]AccountKind, 0, len(rows))
	for _, row := range rows {
		kinds = append(kinds, row.kind)
		t.Run(row.word, func(t *testing.T) {
			t.Parallel()
			if string(row.kind) != row.word {
				t.Errorf("its word is %q, want %q", row.kind, row.word)
			}
			if got := row.kind.SessionScope(); got != row.scope {
				t.Errorf("its sessions have the scope %q, want %q", got, row.scope)
			}
			if got := row.kind.SatisfiesEveryScope(); got != row.every {
				t.Errorf("its sessions satisfy every scope: %t, want %t", got, row.every)
			}
			if got := row.kind.ClientsHoldTokens(); got != row.tokens {
				t.Errorf("its clients hold tokens: %t, want %t", got, row.tokens)
			}
			if got := row.kind.HasGlobalToken(); got != row.global {
				t.Errorf("it has a token of its own: %t, want %t", got, row.global)
			}
		})
	}
	if got := AccountKinds(); !slices.Equal(got, kinds) {
		t.Errorf("the kinds are %q, want %q", got, kinds)
	}
}

// A kind that nobody knows opens nothing (attack: an account without a kind
// takes the rights of one with a kind).
func TestUnknownAccountKind(t *testing.T) {
	t.Parallel()
	for _, kind := range []AccountKind{"", "shop", "Mini_Program", "mini_program "} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			if scope := kind.SessionScope(); scope != "" {
				t.Errorf("its sessions have the scope %q, want none", scope)
			}
			if every, tokens, global := kind.SatisfiesEveryScope(), kind.ClientsHoldTokens(), kind.HasGlobalToken(); every || tokens || global {
				t.Errorf("it satisfies every scope: %t, its clients hold tokens: %t, it has a token: %t; want none of these", every, tokens, global)
			}
			if !kind.Revoked("205").Unknown {
				t.Errorf("%q: a revocation is read by the codes of another kind", kind)
			}
		})
	}
}
