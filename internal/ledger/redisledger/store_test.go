package redisledger

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/boltledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

// TestRedisCorruptIsNotAbsent: what cannot be read, or contradicts itself, is
// an error, and nobody else is handed out.
func TestRedisCorruptIsNotAbsent(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(r *Ledger, p, other ledger.Person) error{
		"no record": func(r *Ledger, p, _ ledger.Person) error {
			return r.Client.HDel(t.Context(), r.key("person"), p.ID).Err()
		},
		"cut off": func(r *Ledger, p, _ ledger.Person) error {
			return r.Client.HSet(t.Context(), r.key("person"), p.ID, "x").Err()
		},
		"another's name": func(r *Ledger, _, o ledger.Person) error {
			return r.Client.HSet(t.Context(), r.key("unionid"), "u", o.ID).Err()
		},
		"another's record": func(r *Ledger, p, o ledger.Person) error {
			value, err := r.Client.HGet(t.Context(), r.key("person"), o.ID).Result()
			return errors.Join(err, r.Client.HSet(t.Context(), r.key("person"), p.ID, value).Err())
		},
		"newer schema": func(r *Ledger, _, _ ledger.Person) error {
			return r.Client.HSet(t.Context(), r.key("meta"), "schema", "2").Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := testRedis(t, miniClient(t), "", nil)
			p := ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u"})
			other := ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: "oB", UnionID: "u2"})
			if err := damage(r, p, other); err != nil {
				t.Fatal(err)
			}
			_, err := r.FindUnionID(t.Context(), "u")
			if !errors.Is(err, ledger.ErrCorrupt) {
				t.Errorf("FindUnionID: %v", err)
			}
			if _, err = r.Observe(t.Context(), ledger.Observation{AppID: "wxC", OpenID: "oC", UnionID: "u"}); !errors.Is(err, ledger.ErrCorrupt) {
				t.Errorf("See: %v", err)
			}
		})
	}
}

// TestRedisBetweenLookAndWrite: whatever another instance does between our
// decision and our write, the decision is made again.
func TestRedisBetweenLookAndWrite(t *testing.T) {
	t.Parallel()
	c := miniClient(t)
	other := testRedis(t, c, "", nil)
	first := ledgertest.MustSee(t, other, ledger.Observation{AppID: "wxA", OpenID: "oA"})
	n, busy := 0, false
	own := testRedis(t, c, "", nil)
	c.AddHook(hook{func(next func() error) error {
		if !busy && n == 0 {
			n, busy = 1, true
			ledgertest.MustSee(t, other, ledger.Observation{AppID: "wxB", OpenID: "oB", UnionID: "u"})
			ledgertest.MustSee(t, other, ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u"})
			busy = false
		}
		return next()
	}})
	p := ledgertest.MustSee(t, own, ledger.Observation{AppID: "wxC", OpenID: "oC", UnionID: "u"})
	if p.ID != first.ID || len(p.Accounts) != 3 || len(p.Merged) != 1 {
		t.Errorf("%+v, want %s with three accounts", p, first.ID)
	}
	if err := own.Check(); err != nil {
		t.Error(err)
	}
}

// TestRedisTombstonesPruned: the store forgets what is past.
func TestRedisTombstonesPruned(t *testing.T) {
	t.Parallel()
	r := testRedis(t, miniClient(t), "", nil)
	now := time.Now()
	for i := range 5 {
		if err := r.EndSession(t.Context(), [16]byte{byte(i)}, now.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(2100 * time.Millisecond)
	if err := r.EndSession(t.Context(), [16]byte{9}, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Client.ZCard(t.Context(), r.key("ended")).Result(); err != nil || n != 1 {
		t.Errorf("%d tombstones, %v", n, err)
	}
}

// TestRedisEntriesBounded: a crowd does not fill the memory.
func TestRedisEntriesBounded(t *testing.T) {
	t.Parallel()
	r := testRedis(t, miniClient(t), "", func(o *Options) { o.Entries = 128 })
	for i := range 300 {
		ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: fmt.Sprint("o", i)})
	}
	n := 0
	for i := range r.near.shards {
		n += len(r.near.shards[i].entries)
	}
	if n > 128 || n < 64 {
		t.Errorf("%d entries, want at most 128", n)
	}
}

// TestMoveToRedis: from a file to Redis and back; the copy is exact.
func TestMoveToRedis(t *testing.T) {
	t.Parallel()
	from, to, back := aFile(t), testRedis(t, miniClient(t), "", nil), aFile(t)
	for i := range 300 {
		s := ledger.Observation{AppID: fmt.Sprint("wx", i%4), OpenID: fmt.Sprint("o", i), Consent: i%3 == 0}
		if ledgertest.MustSee(t, from, s); i%2 == 0 {
			s.UnionID = fmt.Sprint("u", i/8)
			ledgertest.MustSee(t, from, s)
		}
	}
	move := func(from, to ledger.Ledger) {
		t.Helper()
		if err := from.Walk(t.Context(), func(p ledger.Person) error { return to.Import(t.Context(), p) }); err != nil {
			t.Fatal(err)
		}
	}
	move(from, to)
	move(to, back)
	people := func(l ledger.Ledger) map[string]string {
		all := map[string]string{}
		err := l.Walk(t.Context(), func(p ledger.Person) error {
			data, err := ledger.EncodePerson(&p)
			all[p.ID] = string(data)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if a, b, c := people(from), people(to), people(back); len(a) == 0 || fmt.Sprint(a) != fmt.Sprint(b) || fmt.Sprint(a) != fmt.Sprint(c) {
		t.Errorf("%d, %d and %d persons, or they differ", len(a), len(b), len(c))
	}
	if err := to.Check(); err != nil {
		t.Error(err)
	}
	err := back.Walk(t.Context(), func(p ledger.Person) error {
		for _, a := range p.Accounts {
			if q, err := back.FindOpenID(t.Context(), a.AppID, a.OpenID); q.ID != p.ID || err != nil {
				t.Errorf("an openid of %s leads to %q, %v", p.ID, q.ID, err)
			}
		}
		if q, err := back.FindUnionID(t.Context(), p.UnionID); p.UnionID != "" && (q.ID != p.ID || err != nil) {
			t.Errorf("the unionid of %s leads to %q, %v", p.ID, q.ID, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// aFile is an empty ledger in a file.
func aFile(t *testing.T) ledger.Ledger {
	t.Helper()
	l, err := boltledger.Open(filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}
