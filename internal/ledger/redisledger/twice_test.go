package redisledger

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

// TestRedisWriteSentTwice: go-redis sends a command again when the answer was
// lost. It must count once.
func TestRedisWriteSentTwice(t *testing.T) {
	t.Parallel()
	c := miniClient(t)
	r := testRedis(t, c, "", nil)
	r.SetTargets([]ledger.Target{{Name: "crm"}})
	ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: "oA"}) // the script is known from here on
	c.AddHook(hook{func(next func() error) error { next(); return next() }})
	p := ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u"})
	q := ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u"})
	ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxB", OpenID: "oB", SignedIn: true})
	if n, _, err := r.Waiting(t.Context(), "crm"); p.ID != q.ID || p.Version != 2 || q.Version != 3 || n != 3 || err != nil {
		t.Errorf("%+v, %+v, %d events, %v", p, q, n, err)
	}
	writtenTwice(t, r, p)
}

// What an operator does with dead letters is counted right, though each write
// is sent twice.
func TestRedisDeadLettersTwice(t *testing.T) {
	t.Parallel()
	c := miniClient(t)
	r := testRedis(t, c, "", nil)
	r.SetTargets([]ledger.Target{{Name: "crm"}})
	p := ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: "oA"}) // the script is known from here on
	var letters []string
	for range 3 {
		id := ledger.NewID()
		if err := r.Tell(t.Context(), ledger.Event{ID: id, Kind: ledger.LoggedOut, Person: p.ID}); err != nil {
			t.Fatal(err)
		}
		if err := r.Bury(t.Context(), "crm", id, "answered 410"); err != nil {
			t.Fatal(err)
		}
		letters = append(letters, id)
	}
	c.AddHook(hook{func(next func() error) error { next(); return next() }})
	for _, s := range []struct {
		name string
		do   func(context.Context, string, string) (int, error)
		id   string
		want int
	}{
		{"redeliver one", r.Redeliver, letters[0], 1},
		{"redeliver it again", r.Redeliver, letters[0], 0},
		{"purge one", r.Purge, letters[1], 1},
		{"purge it again", r.Purge, letters[1], 0},
		{"purge all", r.Purge, "", 1},
		{"purge all of none", r.Purge, "", 0},
	} {
		if n, err := s.do(t.Context(), "crm", s.id); n != s.want || err != nil {
			t.Errorf("%s: %d, %v, want %d", s.name, n, err, s.want)
		}
	}
}

// writtenTwice does what writes, while each write is sent twice.
func writtenTwice(t *testing.T, r *Ledger, p ledger.Person) {
	t.Helper()
	due, _, err := r.Due(t.Context(), "crm", time.Now(), 9)
	if err != nil || len(due) != 1 {
		t.Fatalf("%d due, %v", len(due), err)
	}
	if err := r.Postpone(t.Context(), "crm", due[0].ID, time.Now().Add(-time.Minute), "x"); err != nil {
		t.Fatal(err)
	}
	if due, _, err = r.Due(t.Context(), "crm", time.Now(), 9); err != nil || len(due) != 1 || due[0].Attempts != 1 {
		t.Errorf("%+v, %v", due, err)
	}
	if err := r.Tell(t.Context(), ledger.Event{ID: ledger.NewID(), Kind: ledger.LoggedOut, Person: p.ID}); err != nil {
		t.Error(err)
	}
	for _, w := range []ledger.Withdrawal{
		{Key: "1", Kind: ledger.Cancelled, AppID: "wxA", OpenID: "oA", Account: true},
		{Key: "2", Kind: ledger.Cancelled, AppID: "wxB", OpenID: "oB", Account: true}, // the last: nobody is left
	} {
		if _, done, err := r.Withdraw(t.Context(), w); !done || err != nil {
			t.Errorf("withdrawn: %v, %v", done, err)
		}
	}
	all, err := r.Pending(t.Context(), "crm", 9)
	var kinds []ledger.EventKind
	for _, d := range all {
		kinds = append(kinds, d.Kind)
	}
	// The erasure has removed the others, but for the one of an openid that the
	// person had no longer.
	if want := []ledger.EventKind{ledger.Cancelled, ledger.Cancelled, ledger.Erased}; !slices.Equal(kinds, want) || err != nil {
		t.Errorf("%v wait, %v, want %v", kinds, err, want)
	}
}
