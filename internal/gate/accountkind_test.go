package gate_test

import (
	"testing"

	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// The sessions of each kind of account have a scope that sessions can keep:
// wechat and session do not import each other.
func TestScopesOfAccountKinds(t *testing.T) {
	t.Parallel()
	scopes := map[wechat.AccountKind]string{
		wechat.OfficialAccount: session.ScopeBase,
		wechat.MiniProgram:     session.ScopeMiniProgram,
		wechat.MobileApp:       session.ScopeMobileApp,
		wechat.Website:         session.ScopeLogin,
	}
	for _, kind := range wechat.AccountKinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			want, listed := scopes[kind]
			if got := kind.SessionScope(); !listed || got != want {
				t.Errorf("its sessions have the scope %q, want %q (listed here: %t)", got, want, listed)
			}
		})
	}
}
