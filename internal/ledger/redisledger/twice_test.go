package redisledger

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
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

// What ends for good is not reported as unknown, though the first answer was
// lost and the write was sent twice.
func TestRedisEndsSentTwice(t *testing.T) {
	t.Parallel()
	for _, s := range []struct {
		name string
		do   func(ctx context.Context, r *Ledger, p ledger.Person) error
		gone bool // the person is
	}{
		{"erase", func(ctx context.Context, r *Ledger, p ledger.Person) error { return r.Erase(ctx, p.ID) }, true},
		{"erase who is inactive", func(ctx context.Context, r *Ledger, p ledger.Person) error {
			if erased, err := r.EraseInactive(ctx, p.ID, time.Now().Add(time.Hour)); !erased {
				t.Errorf("not erased, %v", err)
			}
			return nil
		}, true},
		{"erase who is banned", func(ctx context.Context, r *Ledger, p ledger.Person) error {
			return errors.Join(r.Ban(ctx, p.ID, time.Now()), r.Erase(ctx, p.ID))
		}, true},
		{"withdraw the last openid", func(ctx context.Context, r *Ledger, _ ledger.Person) error {
			_, done, err := r.Withdraw(ctx, ledger.Withdrawal{Kind: ledger.Cancelled, AppID: "wxA", OpenID: "oA", Account: true})
			if !done {
				t.Error("not withdrawn")
			}
			return err
		}, true},
		{"withdraw a consent", func(ctx context.Context, r *Ledger, _ ledger.Person) error {
			_, done, err := r.Withdraw(ctx, ledger.Withdrawal{Kind: ledger.Revoked, AppID: "wxA", OpenID: "oA"})
			if !done {
				t.Error("not withdrawn")
			}
			return err
		}, false},
		{"ban and lift", func(ctx context.Context, r *Ledger, p ledger.Person) error {
			return errors.Join(r.Ban(ctx, p.ID, time.Now()), r.Unban(ctx, p.ID))
		}, false},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			c := miniClient(t)
			r := testRedis(t, c, "", nil)
			r.SetTargets([]ledger.Target{{Name: "crm"}})
			woken := make(chan struct{}, 9)
			r.Wake = func() { woken <- struct{}{} }
			p := ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: "oA", Consent: true}) // the script is known from here on
			if _, err := r.Find(t.Context(), p.ID); err != nil {                                         // it is in memory
				t.Fatal(err)
			}
			c.AddHook(hook{func(next func() error) error { next(); return next() }})
			if err := s.do(t.Context(), r, p); err != nil {
				t.Error(err)
			}
			if _, err := r.Find(t.Context(), p.ID); errors.Is(err, ledger.ErrNotFound) != s.gone {
				t.Errorf("found afterwards: %v", err)
			}
			all, err := r.Pending(t.Context(), "crm", 9)
			if err != nil || s.gone != slices.ContainsFunc(all, func(d ledger.Delivery) bool { return d.Kind == ledger.Erased }) {
				t.Errorf("the events are %+v, %v", all, err)
			}
			if s.gone && len(woken) == 0 {
				t.Error("the sender was not woken")
			}
		})
	}
}

// A write whose answer was lost, and whose records another gateway has changed
// before it was sent again, is still one: nothing old stays in memory.
func TestRedisWriteSentTwiceAndChangedBetween(t *testing.T) {
	t.Parallel()
	b := shared.Standalone(t)
	c := b.Client()
	r, other := testRedis(t, c, "", nil), testRedis(t, b.Client(), "", nil)
	p := ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u"})
	if _, err := r.Find(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the channel works", func() bool { return r.works(time.Now()) })
	var once sync.Once
	c.AddHook(hook{func(next func() error) error {
		once.Do(func() {
			if err := next(); err != nil {
				t.Error(err)
			}
			eventually(t, "the announcement", func() bool {
				r.near.pending.mu.Lock()
				defer r.near.pending.mu.Unlock()
				return slices.Contains(slices.Collect(maps.Values(r.near.pending.heard)), true)
			})
			ledgertest.MustSee(t, other, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "v", Consent: true, Profile: &ledger.Profile{Nickname: "n"}})
		})
		return next()
	}})
	g := r.generation.Load()
	if _, err := r.Observe(t.Context(), ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "v"}); err != nil {
		t.Fatal(err)
	}
	if left, err := r.Find(t.Context(), p.ID); err != nil || len(left.Accounts) != 0 {
		t.Errorf("whom the openid has left: %+v, %v", left, err)
	}
	if r.generation.Load() == g {
		t.Error("the generation did not move")
	}
}
