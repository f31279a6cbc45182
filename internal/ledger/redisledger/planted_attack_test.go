package redisledger

import (
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/redistest"
)

// Attack: a program that may write to Redis plants a lease or a note that does
// not end. No webhook would be sent again, and a push be taken for one seen
// before.
func TestPlantedKeysHoldNothingUp(t *testing.T) {
	shared.Each(t, func(t *testing.T, b redistest.Backend) {
		client := b.Client()
		r := testRedis(t, client, "", nil)
		plants := map[string]struct {
			plant func(key string) error
			void  bool
		}{
			"for ever":       {func(key string) error { return client.Set(t.Context(), key, "x", 0).Err() }, true},
			"for two days":   {func(key string) error { return client.Set(t.Context(), key, "x", 48*time.Hour).Err() }, true},
			"as a list":      {func(key string) error { return client.LPush(t.Context(), key, "x").Err() }, true},
			"as one of ours": {func(key string) error { return client.Set(t.Context(), key, "x", 20*time.Second).Err() }, false},
		}
		for name, p := range plants {
			t.Run(name, func(t *testing.T) {
				lease, push := r.key("out:crm:lease"), "push "+name
				for _, key := range []string{lease, r.key("once:" + (&ledger.Withdrawal{Key: push}).OnceKey())} {
					client.Del(t.Context(), key)
					if err := p.plant(key); err != nil {
						t.Fatal(err)
					}
				}
				for _, want := range []bool{p.void, false} { // the second time another has it
					owner := "me"
					if !want {
						owner = "another"
					}
					if got, err := r.Lease(t.Context(), "crm", owner, 30*time.Second); err != nil || got != want {
						t.Errorf("leased %t, %v, want %t", got, err, want)
					}
				}
				stranger := ledger.Withdrawal{Key: push, Kind: ledger.Revoked, AppID: "wxA", OpenID: "stranger"}
				if _, _, err := r.Withdraw(t.Context(), stranger); (err == nil) == p.void {
					t.Errorf("a push about a stranger gave %v", err)
				}
				if _, err := r.Observe(t.Context(), ledger.Observation{AppID: "wxA", OpenID: "oA", Consent: true}); err != nil {
					t.Fatal(err)
				}
				for _, want := range []bool{p.void, false} {
					_, done, err := r.Withdraw(t.Context(), ledger.Withdrawal{Key: push, Kind: ledger.Revoked, AppID: "wxA", OpenID: "oA", Consent: true})
					if err != nil || done != want {
						t.Errorf("the push was carried out: %t, %v, want %t", done, err, want)
					}
				}
			})
		}
	})
}
