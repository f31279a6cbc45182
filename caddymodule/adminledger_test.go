package caddymodule

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// slowLedger gives persons slowly, and may fail after some.
type slowLedger struct {
	ledger.Ledger
	pause time.Duration
	count int
	err   error
}

func (l slowLedger) Walk(ctx context.Context, fn func(ledger.Person) error) error {
	for i := range l.count {
		time.Sleep(l.pause)
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fn(ledger.Person{ID: fmt.Sprintf("person%d", i), Nickname: strings.Repeat("x", 200)}); err != nil {
			return err
		}
	}
	return l.err
}

func (slowLedger) WalkEnded(_ context.Context, fn func(ledger.Tombstone) error) error {
	return fn(ledger.Tombstone{Session: [16]byte{1}, Until: time.Unix(1<<32, 0).UTC()})
}

func (slowLedger) ListBans(context.Context) ([]ledger.Ban, error) { return nil, nil }

// serveExport answers every request with the export of l, as Caddy's admin
// server would: a request has a short time to be read in, and errors become
// JSON.
func serveExport(t *testing.T, l ledger.Ledger) string {
	t.Helper()
	d := desk{&App{logger: slog.New(slog.DiscardHandler)}, opened{ledger: l}, caller{}}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := d.exportLedger(w, r); err != nil {
			w.WriteHeader(err.(*refusedCall).Code)
		}
	}))
	server.Config.ReadTimeout = 2 * time.Second
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

func export(t *testing.T, url string) (int, string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	return response.StatusCode, string(b), err
}

// The admin server's read timeout cancels a request's context while its answer
// is still being written; an export goes on.
func TestExportOutlivesTheReadTimeout(t *testing.T) {
	t.Parallel()
	status, body, err := export(t, serveExport(t, slowLedger{pause: 50 * time.Millisecond, count: 60}))
	if status != http.StatusOK || err != nil || strings.Count(body, "\n") != 62 || !strings.Contains(body, `"id":"person59"`) {
		t.Errorf("%d, %d lines, %v", status, strings.Count(body, "\n"), err)
	}
}

// An export that fails is never taken for a whole ledger.
func TestExportThatFails(t *testing.T) {
	t.Parallel()
	down := fmt.Errorf("%w: gone", ledger.ErrUnavailable)
	if status, body, err := export(t, serveExport(t, slowLedger{err: down})); status != http.StatusServiceUnavailable || strings.Contains(body, "wechat-ledger") || err != nil {
		t.Errorf("down from the beginning: %d %q %v", status, body, err)
	}
	if status, body, err := export(t, serveExport(t, slowLedger{count: 2000, err: down})); status != http.StatusOK || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("half-way: %d, %d bytes, %v; want an unexpected end", status, len(body), err)
	}
	if status, _, _ := export(t, serveExport(t, slowLedger{count: 3, err: down})); status != http.StatusServiceUnavailable {
		t.Errorf("before anything was sent: %d", status)
	}
}

const (
	endedSession = `{"ended_session":"000102030405060708090a0b0c0d0e0f","until":"2999-01-01T00:00:00Z"}`
	endedPerson  = `{"ended_person":"abcdefghijklmnopqrstuvwxyz","at":"2026-03-01T00:00:00Z","until":"2999-01-01T00:00:00Z"}`
)

// Whatever is sent as a ledger is read whole or refused by the number of a
// line, and no refusal repeats it.
func FuzzReadLedger(f *testing.F) {
	whole, err := os.ReadFile("testdata/admin/ledger.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add(bytes.Replace(whole, []byte("\n"), []byte("\n"+endedSession+"\n"+endedPerson+"\n"), 1))
	f.Add([]byte("{\"format\":\"wechat-ledger\",\"version\":1}\n\n"))
	f.Add([]byte("\xff\xfe"))
	f.Fuzz(func(t *testing.T, body []byte) {
		all, err := readLedger(bytes.NewReader(body))
		var line *refusedCall
		switch {
		case err == nil:
			if lines := bytes.Count(bytes.TrimSuffix(body, []byte("\n")), []byte("\n")); len(all) != lines {
				t.Errorf("%d read of %d lines", len(all), lines)
			}
		case all != nil:
			t.Error("lines beside an error")
		case !errors.As(err, &line) || line.Line < 1 || line.Line > bytes.Count(body, []byte("\n"))+1:
			t.Errorf("refused without a line: %v", err)
		case len(line.Message) > 200:
			t.Errorf("a long refusal: %s", line.Message)
		}
	})
}
