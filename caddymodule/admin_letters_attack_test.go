package caddymodule

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
)

// halfway takes three dead letters away, and fails then.
type halfway struct {
	ledger.Ledger
	ended bool // the context of the call
}

func (l *halfway) Purge(ctx context.Context, _, _ string) (int, error) {
	l.ended = ctx.Err() != nil
	return 3, ledger.ErrUnavailable
}

func (l *halfway) Redeliver(ctx context.Context, target, id string) (int, error) {
	return l.Purge(ctx, target, id)
}

// Attack: a caller has dead letters removed, and hangs up before all are, to
// leave no trace.
func TestAttackLettersWithoutATrace(t *testing.T) {
	t.Parallel()
	for want, call := range map[string]adminCall{"webhooks purge": desk.purgeDead, "redeliver": desk.redeliver} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			var lines, said bytes.Buffer
			app := &App{
				logger: slog.New(slog.NewTextHandler(&said, nil)), audit: audit.Log{Lines: slog.New(slog.NewTextHandler(&lines, nil))},
				webhooks: []provisionedWebhook{{target: ledger.Target{Name: "crm"}}},
			}
			book := new(halfway)
			ctx, hangUp := context.WithCancel(t.Context())
			hangUp()
			r := httptest.NewRequestWithContext(ctx, http.MethodDelete, "/wechat/webhooks/crm/dead", nil)
			r.SetPathValue("name", "crm")
			var refused *refusedCall
			if err := call(desk{app, opened{ledger: book}, caller{}}, httptest.NewRecorder(), r); !errors.As(err, &refused) || refused.Word != storeUnavailable {
				t.Errorf("%v, want %s", err, storeUnavailable)
			}
			if book.ended {
				t.Error("it ends with the caller")
			}
			if got := lines.String(); !strings.Contains(got, want) || strings.Count(got, "\n") != 1 {
				t.Errorf("the audit log has %q", got)
			}
			if got := said.String(); !strings.Contains(got, "letters=3") {
				t.Errorf("the log has %q", got)
			}
		})
	}
}
