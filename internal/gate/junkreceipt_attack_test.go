package gate_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Attack: on plain http a sibling host plants cookies in front of the receipt
// of a logout that was not complete, and it never is.
func TestAttackJunkBeforeTheReceipt(t *testing.T) {
	t.Parallel()
	for name, junk := range map[string]string{"empty": "", "a word": "x", "long": strings.Repeat("A", 300)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, crm, scope(wechat.ScopeBase), func(w *town) { w.plain, w.inside = true, true })
			b := w.browser("alice")
			b.open("/")
			w.ledger.failTell(ledger.ErrUnavailable)
			b.form("/_wechat/logout", nil)
			receipt := b.cookies("/_wechat/logout")["wechat-leave"]
			w.ledger.failTell(nil)
			w.told()
			line := strings.Repeat("wechat-leave="+junk+"; ", 31) + "wechat-leave=" + receipt
			w.browser("bob").script(http.MethodGet, "/_wechat/session", "Cookie", line)
			if all := w.told(); receipt == "" || len(all) != 1 {
				t.Errorf("told %q", brief(all))
			}
		})
	}
}
