package caddymodule

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/certmagic"
)

// brokenStorage cannot be locked: no keys can be read.
type brokenStorage struct{ certmagic.Storage }

func (brokenStorage) Lock(context.Context, string) error { return errors.New("a broken disk") }

func (brokenStorage) Load(context.Context, string) ([]byte, error) {
	return nil, errors.New("a broken disk")
}

// Attack: requests that come while the keys or stores cannot be opened fill the
// log.
func TestAttackAGatewayThatIsNotReadyFillsTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text := new(strings.Builder)
		quiet := slog.New(slog.DiscardHandler)
		h := &Handler{logger: slog.New(slog.NewTextHandler(text, nil)), app: &App{logger: quiet, storage: keyStorage{brokenStorage{}}}}
		for range 300 {
			if err := h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "http://shop.test/", nil), nil); !errors.Is(err, errNotReady) {
				t.Fatalf("served: %v", err)
			}
			time.Sleep(time.Second)
		}
		if n := strings.Count(text.String(), "\n"); n < 5 || n > 6 {
			t.Errorf("%d lines in five minutes:\n%.2000s", n, text)
		}
		if !strings.Contains(text.String(), "gateway is not ready") || !strings.Contains(text.String(), "what=gateway") {
			t.Errorf("%.500s", text)
		}
	})
}
