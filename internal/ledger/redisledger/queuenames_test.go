package redisledger

import (
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
	"github.com/caddy-wechat/gateway/internal/redistest"
)

// TestRedisErasureFindsQueues: an erasure empties the queues of webhooks that
// are not configured any more, also those that a gateway of an earlier version
// made and did not register, and leaves other programs' keys alone.
func TestRedisErasureFindsQueues(t *testing.T) {
	shared.Each(t, func(t *testing.T, b redistest.Backend) {
		for prefix, resembling := range map[string]string{"": "wechatX:", `a*?[b]\c:`: "aXYbc:"} {
			r := testRedis(t, b.Client(), prefix, nil)
			decoy := testRedis(t, b.Client(), resembling, nil)
			seen := ledger.Observation{AppID: "wxA", OpenID: "oA", SignedIn: true}
			for _, l := range []*Ledger{r, decoy} {
				l.SetTargets([]ledger.Target{{Name: "old-1"}, {Name: "old-2"}})
				ledgertest.MustSee(t, l, seen)
			}
			if err := r.Client.HDel(t.Context(), r.key("meta"), "out:old-1", "out:old-2", fieldQueues).Err(); err != nil {
				t.Fatal(err)
			}
			z := testRedis(t, b.Client(), prefix, nil) // configured without webhooks
			p, err := z.FindOpenID(t.Context(), "wxA", "oA")
			if err != nil {
				t.Fatal(err)
			}
			if err := z.Erase(t.Context(), p.ID); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"old-1", "old-2"} {
				all, err := z.Pending(t.Context(), name, 9)
				if err != nil || len(all) != 1 || all[0].Kind != ledger.Erased {
					t.Errorf("%q %s: %+v, %v", prefix, name, all, err)
				}
				if all, err := decoy.Pending(t.Context(), name, 9); err != nil || len(all) != 1 || all[0].Kind != ledger.SignedIn {
					t.Errorf("another ledger's %s: %+v, %v", name, all, err)
				}
			}
			fields, err := z.Client.HKeys(t.Context(), z.key("meta")).Result()
			for _, want := range []string{"out:old-1", "out:old-2", fieldQueues} {
				if !slices.Contains(fields, want) {
					t.Errorf("not registered: %s; %v, %v", want, fields, err)
				}
			}
			if err := z.Client.Del(t.Context(), z.keys()...).Err(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestRedisExpire: dead letters of more than thirty days ago are removed, and
// no others.
func TestRedisExpire(t *testing.T) {
	t.Parallel()
	r := testRedis(t, shared.Standalone(t).Client(), "", nil)
	r.SetTargets([]ledger.Target{{Name: "crm"}})
	for range 150 { // more than one step
		ledgertest.BuryOne(t, r)
	}
	key := r.queueKeys("crm")[6]
	members, err := r.Client.ZRange(t.Context(), key, 0, -1).Result()
	if err != nil || len(members) != 150 {
		t.Fatalf("%d, %v", len(members), err)
	}
	for _, m := range members[:149] {
		old := time.Now().Add(-ledger.DeadFor - time.Second).UnixMilli()
		if err := r.Client.ZAdd(t.Context(), key, redis.Z{Score: float64(old), Member: m}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Expire(t.Context(), "crm"); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Client.HLen(t.Context(), r.queueKeys("crm")[5]).Result(); err != nil || n != 1 {
		t.Errorf("%d letters are left, %v", n, err)
	}
	ledgertest.WantDead(t, r, 1)
}
