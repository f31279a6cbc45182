package redisledger

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

// TestRedisDeadForThirtyDays is the same; the clock of Redis stands still, so
// the letter is made older.
func TestRedisDeadForThirtyDays(t *testing.T) {
	t.Parallel()
	r := testRedis(t, shared.Standalone(t).Client(), "", nil)
	r.SetTargets([]ledger.Target{{Name: "crm"}})
	id := ledgertest.BuryOne(t, r)
	ledgertest.WantDead(t, r, 1)
	key := r.queueKeys("crm")[6]
	members, err := r.Client.ZRange(t.Context(), key, 0, -1).Result()
	if err != nil || len(members) != 1 {
		t.Fatalf("%v, %v", members, err)
	}
	old := redis.Z{Score: float64(time.Now().Add(-ledger.DeadFor - time.Second).UnixMilli()), Member: members[0]}
	if err := r.Client.ZAdd(t.Context(), key, old).Err(); err != nil {
		t.Fatal(err)
	}
	ledgertest.WantDead(t, r, 0)
	for _, id := range []string{id, ""} {
		if n, err := r.Redeliver(t.Context(), "crm", id); n != 0 || err != nil {
			t.Errorf("%d put back, %v", n, err)
		}
	}
	ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: "oA", SignedIn: true})
	if p, err := posted(r, "crm"); err != nil || len(p.Dead) != 0 {
		t.Errorf("%+v, %v", p, err)
	}
}

// TestRedisOnceForADay: Redis forgets the key by itself.
func TestRedisOnceForADay(t *testing.T) {
	t.Parallel()
	r := testRedis(t, miniClient(t), "", nil)
	ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: "oA"})
	if _, done, err := r.Withdraw(t.Context(), ledger.Withdrawal{Key: "k", Kind: ledger.Revoked, AppID: "wxA", OpenID: "oA"}); !done || err != nil {
		t.Fatal(done, err)
	}
	ttl, err := r.Client.PTTL(t.Context(), r.key("once:"+(&ledger.Withdrawal{Key: "k"}).OnceKey())).Result()
	if err != nil || ttl > ledger.OnceFor || ttl < ledger.OnceFor-time.Minute {
		t.Errorf("kept for %v, %v", ttl, err)
	}
}
