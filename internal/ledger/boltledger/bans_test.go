package boltledger

import (
	"errors"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

// bucketNames lists the buckets of the file. A gateway from before bans accepts
// a file with exactly the buckets of [buckets].
func bucketNames(t *testing.T, b *Ledger) (names []string) {
	t.Helper()
	err := b.file.view(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, _ *bolt.Bucket) error {
			names = append(names, string(name))
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// Without bans an older gateway still opens the file; with a ban it refuses it,
// and does not let the banned person in.
func TestOlderGatewayRefusesBans(t *testing.T) {
	t.Parallel()
	b := testBolt(t, testPath(t))
	p := ledgertest.MustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: "oA"})
	want := func(when string, bans bool) {
		t.Helper()
		names := bucketNames(t, b)
		if got := slices.Contains(names, string(bucketBans)); got != bans || (len(names) == len(buckets)) == bans {
			t.Errorf("%s the file has the buckets %v", when, names)
		}
	}
	want("before", false)
	if err := b.Ban(t.Context(), p.ID, time.Now()); err != nil {
		t.Fatal(err)
	}
	want("with a ban", true)
	if err := b.Unban(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	want("after the last ban was lifted", false)
}

// A ban that cannot be read must not be taken for none.
func TestUnreadableBan(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"garbage":            "garbage",
		"a newer version":    `{"ban":"abcdefghijklmnopqrstuvwxyz","version":2,"at":"2026-04-01T00:00:00Z","key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","marks":["000102030405060708090a0b0c0d0e0f"]}`,
		"of another id":      `{"ban":"bbcdefghijklmnopqrstuvwxyz","version":1,"at":"2026-04-01T00:00:00Z","key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","marks":["000102030405060708090a0b0c0d0e0f"]}`,
		"an empty key":       `{"ban":"abcdefghijklmnopqrstuvwxyz","version":1,"at":"2026-04-01T00:00:00Z","key":"","marks":["000102030405060708090a0b0c0d0e0f"]}`,
		"a mark in capitals": `{"ban":"abcdefghijklmnopqrstuvwxyz","version":1,"at":"2026-04-01T00:00:00Z","key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","marks":["000102030405060708090A0B0C0D0E0F"]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := testPath(t)
			b := testBolt(t, path)
			err := b.writer.run(func(tx *bolt.Tx) (bool, error) {
				bans, err := tx.CreateBucketIfNotExists(bucketBans)
				if err != nil {
					return false, err
				}
				return true, bans.Put([]byte("abcdefghijklmnopqrstuvwxyz"), []byte(value))
			}, nil)
			if err = errors.Join(err, b.Close()); err != nil {
				t.Fatal(err)
			}
			if _, err := open(path, time.Second); !errors.Is(err, ledger.ErrCorrupt) {
				t.Errorf("opened: %v, want ErrCorrupt", err)
			}
		})
	}
}
