package boltledger

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

const aheadID = "abcdefghijklmnopqrstuvwxyz"

// Attack: an import says that the sessions of a person end next year. The
// person signs in, and is nobody, until then.
func TestEndInTheFutureByImport(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{"six minutes": 6 * time.Minute, "a year": 365 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := testPath(t)
			synctest.Test(t, func(t *testing.T) {
				b := testBolt(t, path)
				defer func() { b.Close() }()
				var log bytes.Buffer
				b.Logger = slog.New(slog.NewTextHandler(&log, nil))
				began := time.Now().Truncate(time.Second)
				g := ledger.Tombstone{Person: aheadID, At: began.Add(ahead), Until: began.Add(2 * ahead)}
				for range 2 {
					if err := b.ImportEnded(t.Context(), g); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(ahead / 2)
				for _, how := range []string{"running", "reopened"} {
					if got := b.PersonEnded(aheadID); !got.Equal(began) {
						t.Errorf("%s: over up to %v, want %v", how, got, began)
					}
					b.Close()
					b = testBolt(t, path)
				}
				if n := strings.Count(log.String(), "clocks of the gateways differ"); n != 1 {
					t.Errorf("the log says it %d times, want once: %s", n, &log)
				}
			})
		})
	}
}

// Attack: a file of before has such an end. The end counts from when it is
// read.
func TestEndInTheFutureInAFile(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	synctest.Test(t, func(t *testing.T) {
		b := testBolt(t, path)
		began := time.Now()
		err := b.file.update(func(tx *bolt.Tx) error {
			return tx.Bucket(bucketGone).Put(personEndKey(aheadID, began.Add(48*time.Hour).Unix()),
				binary.BigEndian.AppendUint64(nil, uint64(began.Add(24*time.Hour).Unix())))
		})
		if err != nil {
			t.Fatal(err)
		}
		b.Close()
		b = testBolt(t, path)
		defer b.Close()
		var log bytes.Buffer
		b.Logger = slog.New(slog.NewTextHandler(&log, nil))
		time.Sleep(time.Hour)
		if got := b.PersonEnded(aheadID); !got.Equal(began.UTC().Truncate(time.Second)) {
			t.Errorf("over up to %v, want %v", got, began)
		}
		if !strings.Contains(log.String(), "clocks of the gateways differ") || !strings.Contains(log.String(), "ahead=23h0m0s") {
			t.Errorf("the log says %q", &log)
		}
		// An end of now holds beside the other.
		now := time.Now()
		if err := b.EndPerson(t.Context(), aheadID, now, now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if got := b.PersonEnded(aheadID); !got.Equal(now.UTC().Truncate(time.Second)) {
			t.Errorf("ended anew up to %v, want %v", got, now)
		}
	})
}

// Attack: an import dates a profile and a phone number in the future. What
// WeChat says of them from now on would count as older, and be left out.
func TestImportFreezesNoProfile(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	synctest.Test(t, func(t *testing.T) {
		b := testBolt(t, path)
		defer b.Close()
		future := time.Now().UTC().Truncate(time.Hour).AddDate(10, 0, 0)
		err := b.Import(t.Context(), ledger.Person{
			ID: aheadID, Version: 1, Nickname: "old", ProfileAt: future, FirstSeen: future, LastSeen: future,
			Accounts: []ledger.Account{{AppID: "wxA", OpenID: "oA", ConsentAt: future, FirstSeen: future, LastSeen: future, Phone: "+8613800138000", PhoneAt: future}},
		})
		if err != nil {
			t.Fatal(err)
		}
		p := mustSee(t, b, ledger.Observation{AppID: "wxA", OpenID: "oA", Consent: true, Profile: &ledger.Profile{Nickname: "new"}, Phone: "+8613900139000"})
		if p.ID != aheadID || p.Nickname != "new" || p.Accounts[0].Phone != "+8613900139000" {
			t.Errorf("the person is %+v", p)
		}
		for _, at := range []time.Time{p.FirstSeen, p.LastSeen, p.ProfileAt, p.Accounts[0].ConsentAt, p.Accounts[0].FirstSeen, p.Accounts[0].LastSeen, p.Accounts[0].PhoneAt} {
			if at.After(time.Now()) {
				t.Errorf("a time of the person is %v", at)
			}
		}
	})
}
