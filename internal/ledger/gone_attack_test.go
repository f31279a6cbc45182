package ledger

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/caddy-wechat/gateway/internal/redistest"
)

const aheadID = "abcdefghijklmnopqrstuvwxyz"

// wantEndedBy checks that what a person signs in from now on is not over, and that
// what was signed in before is.
func wantEndedBy(t *testing.T, l Ledger, began time.Time) {
	t.Helper()
	if got := l.PersonEnded(aheadID); got.After(time.Now()) || got.Before(began.Truncate(time.Second)) {
		t.Errorf("the sessions are over up to %v, want between %v and now, %v", got, began, time.Now())
	}
}

// Attack: an import says that the sessions of a person end next year. The person
// signs in, and is nobody, until then.
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
				g := Tombstone{Person: aheadID, At: began.Add(ahead), Until: began.Add(2 * ahead)}
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

// Attack: a file of before has such an end. The end counts from when it is read.
func TestEndInTheFutureInAFile(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	synctest.Test(t, func(t *testing.T) {
		b := testBolt(t, path)
		began := time.Now()
		err := b.file.update(func(tx *bolt.Tx) error {
			return tx.Bucket(bucketGone).Put(goneKey(aheadID, began.Add(48*time.Hour).Unix()),
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

// Attack: a gateway starts with a clock of a year ago, reads what was ended, and
// then the clock is set right. No ended session is good again.
func TestEndsOutliveAClockThatWasBehind(t *testing.T) {
	t.Parallel()
	wrong := time.Now().AddDate(-1, 0, 0)
	said := wrong.AddDate(1, 0, 0).Add(-time.Hour)
	m := goneMark{ahead: said.Unix(), taken: time.Second}
	for name, test := range map[string]struct {
		now       time.Time
		sinceBorn time.Duration
		want      time.Time
	}{
		"at once":            {wrong, time.Second, wrong},
		"an hour later":      {wrong.Add(time.Hour), time.Second + time.Hour, wrong},
		"the clock is right": {said.Add(2 * time.Hour), time.Second + time.Hour, said},
	} {
		t.Run(name, func(t *testing.T) {
			if got := m.ends(test.now, test.sinceBorn); got != test.want.Unix() {
				t.Errorf("over up to %v, want %v", time.Unix(got, 0), test.want)
			}
		})
	}
}

// Attack: a gateway whose clock is ahead, or a writer of Redis, ends a person's
// sessions of next year. The others, and those that start later, let the person in.
func TestEndInTheFutureInRedis(t *testing.T) {
	shared.Each(t, func(t *testing.T, b redistest.Backend) {
		began := time.Now()
		r := testRedis(t, b.Client(), "", nil)
		e := goneUntil{at: began.Add(24 * time.Hour).Unix(), until: began.Add(48 * time.Hour).Unix()}
		word, change := personTombstone(aheadID, e), newBatch()
		change.end(word, e.until)
		change.endNews = string(sayEnded) + word
		ahead := &Redis{Client: b.Client()} // writes what its clock says
		if _, _, err := ahead.write(t.Context(), change); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the end", func() bool { return !r.PersonEnded(aheadID).IsZero() })
		wantEndedBy(t, r, began)
		wantEndedBy(t, testRedis(t, b.Client(), "", nil), began)
	})
}

func TestEndInTheFutureByImportIntoRedis(t *testing.T) {
	shared.Each(t, func(t *testing.T, b redistest.Backend) {
		began := time.Now().Truncate(time.Second)
		r, other := testRedis(t, b.Client(), "", nil), testRedis(t, b.Client(), "", nil)
		g := Tombstone{Person: aheadID, At: began.Add(24 * time.Hour), Until: began.Add(48 * time.Hour)}
		if err := r.ImportEnded(t.Context(), g); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the end", func() bool { return !other.PersonEnded(aheadID).IsZero() })
		wantEndedBy(t, r, began)
		wantEndedBy(t, other, began)
		err := r.WalkEnded(t.Context(), func(g Tombstone) error {
			if g.At.After(time.Now()) {
				t.Errorf("kept up to %v", g.At)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// Attack: an import dates a profile and a phone number in the future. What WeChat
// says of them from now on would count as older, and be left out.
func TestImportFreezesNoProfile(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	synctest.Test(t, func(t *testing.T) {
		b := testBolt(t, path)
		defer b.Close()
		future := time.Now().UTC().Truncate(time.Hour).AddDate(10, 0, 0)
		err := b.Import(t.Context(), Person{
			ID: aheadID, Version: 1, Nickname: "old", ProfileAt: future, FirstSeen: future, LastSeen: future,
			Accounts: []Account{{AppID: "wxA", OpenID: "oA", ConsentAt: future, FirstSeen: future, LastSeen: future, Phone: "+8613800138000", PhoneAt: future}},
		})
		if err != nil {
			t.Fatal(err)
		}
		p := mustSee(t, b, Sighting{AppID: "wxA", OpenID: "oA", Consent: true, Profile: &Profile{Nickname: "new"}, Phone: "+8613900139000"})
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
