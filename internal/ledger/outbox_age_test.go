package ledger

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	bolt "go.etcd.io/bbolt"
)

// buryOne makes a dead letter, and returns its id.
func buryOne(t *testing.T, l Ledger) string {
	t.Helper()
	mustSeeIn(t, l, Sighting{AppID: "wxA", OpenID: "oA", SignedIn: true})
	due, _, err := l.Due(t.Context(), "crm", time.Now(), 1)
	if err != nil || len(due) != 1 {
		t.Fatalf("%d due, %v", len(due), err)
	}
	if err := l.Bury(t.Context(), "crm", due[0].ID, "gone"); err != nil {
		t.Fatal(err)
	}
	return due[0].ID
}

func wantDead(t *testing.T, l Ledger, want int) {
	t.Helper()
	_, n, err := l.Waiting(t.Context(), "crm")
	all, err2 := l.Dead(t.Context(), "crm", "", 10)
	if n != want || len(all) != want || errors.Join(err, err2) != nil {
		t.Errorf("%d dead, %d listed, %v, %v; want %d", n, len(all), err, err2, want)
	}
}

// TestDeadForThirtyDays: dead letters are nobody's after thirty days, and go at the next occasion.
func TestDeadForThirtyDays(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	synctest.Test(t, func(t *testing.T) {
		b := testBolt(t, path)
		b.SetTargets([]Target{{Name: "crm"}})
		id := buryOne(t, b)
		time.Sleep(DeadFor - time.Second)
		wantDead(t, b, 1)
		time.Sleep(2 * time.Second)
		wantDead(t, b, 0)
		for _, id := range []string{id, ""} {
			if n, err := b.Redeliver(t.Context(), "crm", id); n != 0 || err != nil {
				t.Errorf("%d put back, %v", n, err)
			}
		}
		mustSee(t, b, Sighting{AppID: "wxA", OpenID: "oA", SignedIn: true})
		if p, err := b.posted("crm"); err != nil || len(p.dead) != 0 {
			t.Errorf("%+v, %v", p, err)
		}
		b.Close()
	})
}

// TestRedisDeadForThirtyDays is the same; the clock of Redis stands still, so the letter is made older.
func TestRedisDeadForThirtyDays(t *testing.T) {
	t.Parallel()
	r := testRedis(t, shared.Standalone(t).Client(), "", nil)
	r.SetTargets([]Target{{Name: "crm"}})
	id := buryOne(t, r)
	wantDead(t, r, 1)
	key := r.queueKeys("crm")[6]
	members, err := r.Client.ZRange(t.Context(), key, 0, -1).Result()
	if err != nil || len(members) != 1 {
		t.Fatalf("%v, %v", members, err)
	}
	old := redis.Z{Score: float64(time.Now().Add(-DeadFor - time.Second).UnixMilli()), Member: members[0]}
	if err := r.Client.ZAdd(t.Context(), key, old).Err(); err != nil {
		t.Fatal(err)
	}
	wantDead(t, r, 0)
	for _, id := range []string{id, ""} {
		if n, err := r.Redeliver(t.Context(), "crm", id); n != 0 || err != nil {
			t.Errorf("%d put back, %v", n, err)
		}
	}
	mustSeeIn(t, r, Sighting{AppID: "wxA", OpenID: "oA", SignedIn: true})
	if p, err := r.posted("crm"); err != nil || len(p.dead) != 0 {
		t.Errorf("%+v, %v", p, err)
	}
}

// TestOnceForADay: a key is remembered for a day, and then forgotten, in the file too.
func TestOnceForADay(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	synctest.Test(t, func(t *testing.T) {
		b := testBolt(t, path)
		mustSee(t, b, Sighting{AppID: "wxA", OpenID: "oA"})
		withdraw := func(key string, want bool) {
			t.Helper()
			_, done, err := b.Withdraw(t.Context(), Withdrawal{Key: key, Kind: Revoked, AppID: "wxA", OpenID: "oA"})
			if done != want || err != nil {
				t.Errorf("%v, %v, want %v", done, err, want)
			}
		}
		withdraw("a", true)
		time.Sleep(onceFor - 2*time.Second)
		withdraw("a", false)
		time.Sleep(3 * time.Second)
		withdraw("a", true)
		for range 100 {
			withdraw(newID(), true)
		}
		time.Sleep(2 * onceFor)
		withdraw("b", true)
		withdraw("c", true)
		if err := b.file.view(func(tx *bolt.Tx) error {
			if n := tx.Bucket(bucketOnce).Stats().KeyN; n != 4 {
				t.Errorf("%d keys in the file, want two for each of two", n)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
		b.Close()
	})
}

// TestRedisOnceForADay: Redis forgets the key by itself.
func TestRedisOnceForADay(t *testing.T) {
	t.Parallel()
	r := testRedis(t, miniClient(t), "", nil)
	mustSeeIn(t, r, Sighting{AppID: "wxA", OpenID: "oA"})
	if _, done, err := r.Withdraw(t.Context(), Withdrawal{Key: "k", Kind: Revoked, AppID: "wxA", OpenID: "oA"}); !done || err != nil {
		t.Fatal(done, err)
	}
	ttl, err := r.Client.PTTL(t.Context(), r.key("once:"+onceKey("withdrawal", "k"))).Result()
	if err != nil || ttl > onceFor || ttl < onceFor-time.Minute {
		t.Errorf("kept for %v, %v", ttl, err)
	}
}
