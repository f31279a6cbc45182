package redisledger

import (
	"fmt"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
	"github.com/caddy-wechat/gateway/internal/redistest"
)

// TestRedisWithdrawnElsewhere: what one instance withdraws ends sessions, and
// is gone, on another within a second.
func TestRedisWithdrawnElsewhere(t *testing.T) {
	shared.Each(t, func(t *testing.T, b redistest.Backend) {
		a, z := testRedis(t, b.Client(), "", nil), testRedis(t, b.Client(), "", nil)
		var worst time.Duration
		for i := range 5 {
			s := ledger.Observation{AppID: "wxA", OpenID: fmt.Sprint("o", i), Consent: true, Profile: &ledger.Profile{Nickname: "n"}}
			p := ledgertest.MustSee(t, a, s)
			if q, err := z.Find(t.Context(), p.ID); err != nil || q.Nickname != "n" {
				t.Fatalf("%+v, %v", q, err)
			}
			w := ledger.Withdrawal{
				Kind: ledger.Revoked, AppID: s.AppID, OpenID: s.OpenID, Profile: true, Consent: true, End: true, Until: time.Now().Add(time.Hour),
			}
			if _, _, err := a.Withdraw(t.Context(), w); err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			eventually(t, "the end of the sessions", func() bool { return !z.PersonEnded(p.ID).IsZero() })
			eventually(t, "the profile is gone", func() bool { q, err := z.Find(t.Context(), p.ID); return err == nil && q.Nickname == "" })
			worst = max(worst, time.Since(begun))
		}
		t.Logf("the slowest of 5 withdrawals reached another instance after %v", worst)
		wantSoon(t, "the slowest of 5 withdrawals", worst, time.Second)
	})
}
