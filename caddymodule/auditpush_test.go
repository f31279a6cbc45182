package caddymodule

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/push"
)

// The audit line of a push names the event once, and its codes.
func TestAuditPushReason(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		event, reason, want string
		kind                ledger.EventKind
	}{
		{"user_authorization_revoke", "205", `action=revoke account=main user=abcdefgh reason="user_authorization_revoke 205"`, ledger.Revoked},
		{"user_authorization_cancellation", "", `action=erase account=main user=abcdefgh reason=user_authorization_cancellation`, ledger.Cancelled},
		{"unsubscribe", "unsubscribe", `action=revoke account=main user=abcdefgh reason=unsubscribe`, ledger.Revoked},
	} {
		var line bytes.Buffer
		a := &App{audit: audit.Log{Lines: slog.New(slog.NewTextHandler(&line, nil))}}
		a.auditPush(push.Entry{Account: "main", Event: c.event, Kind: c.kind, Person: ledger.Person{ID: "abcdefghijkl"}, Reason: c.reason})
		if !strings.HasSuffix(strings.TrimSpace(line.String()), c.want) {
			t.Errorf("%s: %s", c.event, line.String())
		}
	}
}
