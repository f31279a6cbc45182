package caddymodule

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"

	"github.com/caddy-wechat/gateway/internal/health"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// closedStore cannot be opened.
type closedStore struct{}

func (closedStore) open(storeDeps) (opened, error) { return opened{}, errors.New("a locked file") }
func (closedStore) kind() string                   { return "local" }

// slowStorage answers after a while.
type slowStorage struct {
	brokenStorage
	after time.Duration
}

func (s slowStorage) Load(ctx context.Context, name string) ([]byte, error) {
	time.Sleep(s.after)
	return s.brokenStorage.Load(ctx, name)
}

// A gateway whose keys or store cannot be opened says which part it is. It does
// not wait for a storage that hangs.
func TestReadyBeforeAnythingIsOpen(t *testing.T) {
	for name, test := range map[string]struct {
		app   *App
		parts string
		after time.Duration
	}{
		"no keys":         {&App{storage: keyStorage{brokenStorage{}}}, `"keys":"failed","ledger":"unknown","store":"unknown"`, 0},
		"no store":        {&App{storage: keyStorage{&certmagic.FileStorage{Path: t.TempDir()}}, store: closedStore{}}, `"keys":"ok","ledger":"failed","store":"failed"`, 0},
		"a storage hangs": {&App{storage: keyStorage{slowStorage{after: 20 * time.Second}}}, `"keys":"failed","ledger":"failed","store":"failed"`, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := test.app
				a.logger, a.client = slog.New(slog.DiscardHandler), new(wechat.Client)
				a.health = a.newMonitor()
				h := &Handler{logger: a.logger, app: a, site: guarded{health: true}}
				for _, want := range []time.Duration{test.after, 0} { // at first, and then what is known
					w, begun := httptest.NewRecorder(), time.Now()
					if err := h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://10.0.0.7/_wechat/ready", nil), nil); err != nil {
						t.Fatal(err)
					}
					if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), test.parts) {
						t.Errorf("%d %s, want 503 with %s", w.Code, w.Body, test.parts)
					}
					if took := time.Since(begun); took != want {
						t.Errorf("it took %v, want %v", took, want)
					}
				}
				time.Sleep(time.Minute) // its goroutines end
			})
		})
	}
}

// While the server shuts down it serves, and is not ready any more.
func TestReadyWhileShuttingDown(t *testing.T) {
	fine := health.NewMonitor(health.Check{Part: health.Store, Run: func(context.Context) error { return nil }})
	h := &Handler{app: &App{client: new(wechat.Client), health: fine}, site: guarded{health: true}}
	for stopping, want := range map[any]int{true: 503, false: 200, nil: 200, "true": 200} {
		replacer := caddy.NewReplacer()
		if stopping != nil {
			replacer.Set("http.shutting_down", stopping)
		}
		r := httptest.NewRequest(http.MethodGet, "http://10.0.0.7/_wechat/ready", nil)
		r = r.WithContext(context.WithValue(r.Context(), caddy.ReplacerCtxKey, replacer))
		w := httptest.NewRecorder()
		if err := h.ServeHTTP(w, r, nil); err != nil || w.Code != want {
			t.Errorf("shutting down %v: %d %s, %v; want %d", stopping, w.Code, w.Body, err, want)
		}
	}
}

// A check of health that comes after a configuration has ended, because it could
// not start, opens nothing: nobody would release it.
func TestNothingIsOpenedAfterTheEnd(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	a := &App{
		storage: keyStorage{&certmagic.FileStorage{Path: folder}}, store: &LocalStore{path: filepath.Join(folder, "ledger.db")},
		logger: slog.New(slog.DiscardHandler), client: new(wechat.Client),
	}
	a.health = a.newMonitor()
	if err := a.Cleanup(); err != nil {
		t.Fatal(err)
	}
	if a.health.Ask().Ready() {
		t.Error("it is ready")
	}
	if _, err := os.Stat(filepath.Join(folder, "ledger.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the ledger was opened: %v", err)
	}
}
