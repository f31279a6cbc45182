package fleetredis

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/session"
)

// Each gateway writes its own entry; old ones and what no gateway has written
// do not count, and old ones are removed.
func TestGatewaysAreListed(t *testing.T) {
	for name, b := range map[string]redistest.Backend{"standalone": redistest.Standalone(t, redistest.Options{}), "cluster": redistest.Cluster(t)} {
		t.Run(name, func(t *testing.T) { gatewaysAreListed(t, b.Client()) })
	}
}

func gatewaysAreListed(t *testing.T, client redis.UniversalClient) {
	t.Helper()
	defer func() { _ = client.Close() }()
	list := Gateways{Client: client, Prefix: "wechat:"}
	if all, err := list.List(t.Context()); err != nil || len(all) != 0 {
		t.Fatalf("at first: %v %v", all, err)
	}
	old := Gateway{ID: "old/1", Keys: []string{"a"}, At: time.Now().Add(-GatewayLife - time.Second)}
	for _, g := range []Gateway{old, {ID: "b/2", Version: "v1.0.0", Caddy: "v2.11.9", Keys: []string{"a", "b"}, At: time.Now()}, {ID: "a/1", Keys: []string{"a"}, At: time.Now()}} {
		if err := list.Report(t.Context(), g); err != nil {
			t.Fatal(err)
		}
	}
	all, err := list.List(t.Context())
	if err != nil || len(all) != 2 || all[0].ID != "a/1" || all[1].ID != "b/2" || all[1].Version != "v1.0.0" || len(all[1].Keys) != 2 {
		t.Errorf("%+v %v", all, err)
	}
	if there, err := client.HExists(t.Context(), "wechat:gateways", "old/1").Result(); err != nil || there {
		t.Errorf("an old entry stays: %v", err)
	}
	if left := client.TTL(t.Context(), "wechat:gateways").Val(); left <= 0 || left > GatewayLife {
		t.Errorf("the list stays for %s", left)
	}
}

// Attack: a program that may write to Redis plants entries: nonsense, control
// characters for the operator's terminal, and very many.
func TestAttackPlantedGateways(t *testing.T) {
	client := redistest.Standalone(t, redistest.Options{}).Client()
	defer func() { _ = client.Close() }()
	list := Gateways{Client: client, Prefix: "wechat:"}
	good := `{"keys":["x"],"at":"` + time.Now().Format(time.RFC3339Nano) + `"}`
	for id, entry := range map[string]string{
		"nonsense": "{", "\x1b[2J": good, "": good, "a b": good, strings.Repeat("i", maxID+1): good,
		"large": `{"version":"` + strings.Repeat("x", maxEntry) + `","at":"` + time.Now().Format(time.RFC3339Nano) + `"}`,
		"later": `{"at":"` + time.Now().Add(time.Hour).Format(time.RFC3339Nano) + `"}`,
	} {
		if err := client.HSet(t.Context(), "wechat:gateways", id, entry).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := list.List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("planted entries count: %+v %v", all, err)
	}
	for i := range 40 {
		var pairs []any
		for j := range 100 {
			pairs = append(pairs, fmt.Sprintf("g/%d", i*100+j), good)
		}
		if err := client.HSet(t.Context(), "wechat:gateways", pairs...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := list.List(t.Context()); err != nil || len(all) > 4*maxGateways {
		t.Errorf("%d entries are read: %v", len(all), err)
	}
}

// A fingerprint is the same on all gateways with a key, and is not part of it.
func TestFingerprints(t *testing.T) {
	t.Parallel()
	one, two := strings.Repeat("k", 32), strings.Repeat("l", 32)
	prints := func(keys ...string) []string {
		ring, err := session.NewRing(keys...)
		if err != nil {
			t.Fatal(err)
		}
		all, err := Fingerprints(ring)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	a, b := prints(one, two), prints(two)
	if len(a) != 2 || len(b) != 1 || a[1] != b[0] || a[0] == a[1] || len(a[0]) != 16 {
		t.Errorf("%v %v", a, b)
	}
}

// Attack: any bytes in Redis. What counts has an id that a terminal can show.
func FuzzReadEntry(f *testing.F) {
	f.Add("a/1", `{"keys":["x"],"at":"2026-01-01T00:00:00Z"}`)
	f.Fuzz(func(t *testing.T, id, text string) {
		if g, fresh := readEntry(id, text); fresh && (!printable(g.ID) || len(g.ID) > maxID) {
			t.Errorf("%q", g.ID)
		}
	})
}
