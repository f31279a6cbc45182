package redisledger

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

// plant writes a value into a table behind the ledger's back.
func plant(t *testing.T, r *Ledger, table, key, value string) {
	t.Helper()
	name, list := r.key(table), table == keySeen || table == keyNickname
	var err error
	switch {
	case list && value == "":
		err = r.Client.ZRem(t.Context(), name, key).Err()
	case list:
		err = r.Client.ZAdd(t.Context(), name, redis.Z{Member: key}).Err()
	case value == "":
		err = r.Client.HDel(t.Context(), name, key).Err()
	default:
		err = r.Client.HSet(t.Context(), name, key, value).Err()
	}
	if err != nil {
		t.Error(err)
	}
}

// dump is all that a store holds.
func dump(t *testing.T, r *Ledger) map[string]any {
	t.Helper()
	all := map[string]any{}
	for _, table := range verifiedTables[:4] {
		m, err := r.Client.HGetAll(t.Context(), r.key(table)).Result()
		if err != nil {
			t.Fatal(err)
		}
		all[table] = m
	}
	for _, table := range verifiedTables[4:] {
		m, err := r.Client.ZRange(t.Context(), r.key(table), 0, -1).Result()
		if err != nil {
			t.Fatal(err)
		}
		all[table] = m
	}
	return all
}

// TestRedisVerifyFindsDamage: each kind of damage is found, and none is
// repaired.
func TestRedisVerifyFindsDamage(t *testing.T) {
	t.Parallel()
	c := shared.Standalone(t).Client()
	for i, p := range ledgertest.Plants() {
		t.Run(p.Name, func(t *testing.T) {
			r := testRedis(t, c, fmt.Sprint("plant", i, ":"), nil)
			a, b := p.Persons(t, r)
			p.In(func(table, key, value string) { plant(t, r, table, key, value) }, func(id string) string {
				value, err := r.Client.HGet(t.Context(), r.key("person"), id).Result()
				if err != nil {
					t.Error(err)
				}
				return value
			}, a, b)
			before := dump(t, r)
			p.Found(t, r, a, b)
			if after := dump(t, r); !reflect.DeepEqual(after, before) {
				t.Errorf("Verify changed the store:\n%v\n%v", before, after)
			}
			p.Rebuilt(t, r, testRedis(t, c, fmt.Sprint("plant", i, "anew:"), nil), a, b)
		})
	}
}

// TestRedisVerifyFindsAWrongCount: an index with another number of entries is
// found.
func TestRedisVerifyFindsAWrongCount(t *testing.T) {
	t.Parallel()
	r := testRedis(t, miniClient(t), "", nil)
	ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: "oA"})
	ledgertest.Indexed(t, r)
	plant(t, r, keySeen, "rubbish", "x")
	want := ledger.Problem{Kind: ledger.WrongCount, In: "seen", Detail: "2 instead of 1"}
	if got, _ := ledgertest.Verified(t, r); !slices.Contains(got, want) {
		t.Errorf("found %+v, want %+v", got, want)
	}
}

// FuzzVerifyCursor: what is taken for a cursor is one, and is written as it was
// read.
func FuzzVerifyCursor(f *testing.F) {
	for _, s := range []string{"", "person.0", "nickname.18446744073709551615", "seen.-1", "x.1", "openid.", ".", "person.01"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePlace(s)
		if err != nil || s == "" {
			return
		}
		if again, err := parsePlace(p.String()); err != nil || again != p {
			t.Errorf("%q is %+v, and that %+v, %v", s, p, again, err)
		}
	})
}
