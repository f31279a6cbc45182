package caddymodule

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Attack: a caller copies the whole ledger, and hangs up before the last byte,
// to leave no trace in the audit log.
func TestAttackCopyWithoutATrace(t *testing.T) {
	t.Parallel()
	var lines bytes.Buffer
	app := &App{logger: slog.New(slog.DiscardHandler), audit: audit.Log{Lines: slog.New(slog.NewTextHandler(&lines, nil))}}
	d := desk{app, opened{
		ledger: slowLedger{count: 2000, err: ledger.ErrUnavailable},
		backup: func(_ context.Context, w io.Writer, begin func(int64)) error {
			begin(100)
			if _, err := w.Write(bytes.Repeat([]byte("x"), 99)); err != nil {
				return err
			}
			return io.ErrClosedPipe
		},
	}, caller{}}
	for want, call := range map[string]adminCall{"ledger backup aborted": desk.backUpLedger, "ledger export aborted": desk.exportLedger} {
		t.Run(want, func(t *testing.T) {
			lines.Reset()
			func() {
				defer func() {
					if recover() != http.ErrAbortHandler {
						t.Error("the connection was not aborted: a part looks like the whole")
					}
				}()
				_ = call(d, httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
			}()
			if got := lines.String(); !strings.Contains(got, want) || strings.Count(got, "\n") != 1 {
				t.Errorf("the audit log has %q", got)
			}
		})
	}
}
