package redisledger

import (
	"errors"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

func TestRedisCountsPersons(t *testing.T) {
	t.Parallel()
	r := testRedis(t, miniClient(t), "", nil)
	want := func(want int) {
		t.Helper()
		if n, err := r.Count(t.Context()); n != want || err != nil {
			t.Errorf("%d, %v, want %d", n, err, want)
		}
	}
	want(0)
	p := ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: "oA"})
	ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: "oA"})
	ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: "oB"})
	want(2)
	if err := r.Erase(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	want(1)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Count(t.Context()); !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}
