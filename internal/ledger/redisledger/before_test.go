package redisledger

import (
	_ "embed"
	"encoding/json"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

// The keys of a Redis into which a gateway wrote when each store was not yet a
// package. Hashes are strings by field, sorted sets numbers by member.
//
//go:embed testdata/before-rooms.json
var beforeRooms []byte

// TestRedisOfBeforeRooms: what a gateway of before wrote is read and written
// on.
func TestRedisOfBeforeRooms(t *testing.T) {
	t.Parallel()
	c := shared.Standalone(t).Client()
	var keys map[string]any
	if err := json.Unmarshal(beforeRooms, &keys); err != nil {
		t.Fatal(err)
	}
	for key, value := range keys {
		var err error
		switch v := value.(type) {
		case string: // the only ones with an end
			err = c.Set(t.Context(), key, v, 24*time.Hour).Err()
		case map[string]any:
			for name, x := range v {
				if score, ok := x.(float64); ok {
					err = c.ZAdd(t.Context(), key, redis.Z{Score: score, Member: name}).Err()
				} else {
					err = c.HSet(t.Context(), key, name, x).Err()
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	r := testRedis(t, c, "", nil)
	ledgertest.Before(t, r)
	if err := r.Check(); err != nil {
		t.Error(err)
	}
}
