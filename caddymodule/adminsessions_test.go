package caddymodule

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/boltledger"
)

// A store whose sessions nobody can end is found out: neither an end nor an
// erasure is pretended.
func TestAdminPretendsNoEnd(t *testing.T) {
	t.Parallel()
	book, err := boltledger.Open(filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	p, err := book.Observe(t.Context(), ledger.Observation{AppID: "wx1", OpenID: "o1"})
	if err != nil {
		t.Fatal(err)
	}
	d := desk{&App{logger: slog.New(slog.DiscardHandler)}, opened{ledger: book}, caller{}}
	for path, call := range map[string]adminCall{"/wechat/sessions?person=" + p.ID: desk.endSessions, "/wechat/persons/": desk.erasePerson} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodDelete, path, nil)
		r.SetPathValue("id", p.ID)
		var refused *refusedCall
		if err := call(d, httptest.NewRecorder(), r); !errors.As(err, &refused) || refused.Code != http.StatusNotImplemented || refused.Word != notSupported {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := book.Find(t.Context(), p.ID); err != nil {
		t.Errorf("the person was erased: %v", err)
	}
}
