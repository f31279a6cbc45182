package redisledger

import (
	"errors"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
	"github.com/caddy-wechat/gateway/internal/redistest"
)

// A ban, and its end, reach other instances within a second, and those that
// start later at once.
func TestBanReachesOtherInstances(t *testing.T) {
	shared.Each(t, func(t *testing.T, b redistest.Backend) {
		r, other := testRedis(t, b.Client(), "", nil), testRedis(t, b.Client(), "", nil)
		p := ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: "oA"})
		generation := other.generation.Load()
		if err := r.Ban(t.Context(), p.ID, time.Now()); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		eventually(t, "the ban", func() bool { return other.Banned(&p) })
		wantSoon(t, "the ban", time.Since(begun), time.Second)
		// It moves after the ban is known, not at the same moment.
		eventually(t, "the generation moves, or prepared identities would pass", func() bool { return other.generation.Load() > generation })
		if late := testRedis(t, b.Client(), "", nil); !late.Banned(&p) {
			t.Error("an instance that starts later does not know the ban")
		}
		if err := other.Unban(t.Context(), "oA"); err != nil {
			t.Fatal(err)
		}
		eventually(t, "its end", func() bool { return !r.Banned(&p) })
	})
}

// Attack: a program that may only publish announces that a ban has ended, or
// one that never was.
func TestPublishedBansAreLookedUp(t *testing.T) {
	t.Parallel()
	client := shared.Standalone(t).Client()
	r := testRedis(t, client, "", unhurried)
	p := ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: "oA"})
	if err := r.Ban(t.Context(), p.ID, time.Now()); err != nil {
		t.Fatal(err)
	}
	ban := r.ends.bans.All()[0].ID
	generation := r.generation.Load()
	for _, word := range []string{sayBan + ban, sayBan + ledger.NewID(), sayBan, sayBan + "x", sayBan + ban + ".0"} {
		if err := client.Publish(t.Context(), r.key("news"), string(sayEnded)+word).Err(); err != nil {
			t.Fatal(err)
		}
	}
	// A tombstone is confirmed after them.
	if err := r.EndSession(t.Context(), [16]byte{1}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(4 * announcedPause)
	if !r.Banned(&p) || len(r.ends.bans.All()) != 1 {
		t.Errorf("the bans are %+v", r.ends.bans.All())
	}
	if got := r.generation.Load(); got != generation {
		t.Errorf("the generation moved from %d to %d, though no ban changed: each message would cost every visitor a look-up", generation, got)
	}
}

// An instance that missed an announcement reads the bans when its channel works
// again.
func TestMissedBan(t *testing.T) {
	t.Parallel()
	client := shared.Standalone(t).Client()
	r := testRedis(t, client, "", nil)
	p := ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: "oA"})
	deaf := New(Options{Client: client, Timeout: time.Minute}) // hears nothing
	defer deaf.Close()
	if err := r.Ban(t.Context(), p.ID, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := deaf.ends.loadTombstones(t.Context()); err != nil || !deaf.Banned(&p) {
		t.Errorf("after a reading: banned %t, %v", deaf.Banned(&p), err)
	}
	if err := r.Unban(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	if err := deaf.ends.loadTombstones(t.Context()); err != nil || deaf.Banned(&p) {
		t.Errorf("after another reading: banned %t, %v", deaf.Banned(&p), err)
	}
	// What it decides builds on the newest bans, also between two readings.
	if err := r.Ban(t.Context(), p.ID, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := deaf.Erase(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	if all := deaf.ends.bans.All(); len(all) != 1 || all[0].Person != "" {
		t.Errorf("after an erasure by the deaf instance the bans are %+v", all)
	}
	eventually(t, "the erased ban", func() bool { all := r.ends.bans.All(); return len(all) == 1 && all[0].Person == "" })
}

// A list of bans, and so an export, is all of them or none: in another store,
// who is missing would be let in.
func TestUnreadableBanIsNotLeftOut(t *testing.T) {
	t.Parallel()
	client := shared.Standalone(t).Client()
	r := testRedis(t, client, "", nil)
	p := ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: "oA"})
	err := errors.Join(
		r.Ban(t.Context(), p.ID, time.Now()),
		client.HSet(t.Context(), r.key("bans"), ledger.NewID(), `{"version":2}`).Err(),
		client.HSet(t.Context(), r.key("meta"), fieldBans, "changed").Err(),
	)
	if err != nil {
		t.Fatal(err)
	}
	if all, err := r.ListBans(t.Context()); !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("%d bans, %v, want ErrCorrupt", len(all), err)
	}
	if !r.Banned(&p) {
		t.Error("the ban that can be read does not hold")
	}
}

// Bans that cannot be read do not hide the sessions that have ended.
func TestEndsAreReadWithoutBans(t *testing.T) {
	t.Parallel()
	client := shared.Standalone(t).Client()
	r := testRedis(t, client, "", nil)
	err := errors.Join(
		r.EndSession(t.Context(), [16]byte{1}, time.Now().Add(time.Hour)),
		client.Set(t.Context(), r.key("bans"), "x", 0).Err(),
	)
	if err != nil {
		t.Fatal(err)
	}
	late := New(Options{Client: client}) // hears nothing
	defer late.Close()
	if err := late.ends.loadTombstones(t.Context()); !errors.Is(err, ledger.ErrUnavailable) {
		t.Errorf("the bans: %v, want ErrUnavailable", err)
	}
	if !late.Ended([16]byte{1}) {
		t.Error("the ended session is accepted")
	}
	if late.works(time.Now()) || late.ends.read.Load() != nil {
		t.Error("all counts as read")
	}
}
