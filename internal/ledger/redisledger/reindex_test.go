package redisledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

// olderGateway changes a store as a gateway does that does not know the
// indexes: its stamps have only letters and 2 to 7, and it writes no entries.
type olderGateway struct {
	t *testing.T
	c redis.UniversalClient
	l *Ledger // not started
}

// write writes a person, nil to remove the record.
func (o olderGateway) write(id string, p *ledger.Person) {
	o.t.Helper()
	key := o.l.key("person")
	if p == nil {
		if err := o.c.HDel(o.t.Context(), key, id).Err(); err != nil {
			o.t.Error(err)
		}
		return
	}
	data, err := ledger.EncodePerson(p)
	if err == nil {
		err = o.c.HSet(o.t.Context(), key, id, rand.Text()[:stampLength]+string(data)).Err()
	}
	if err != nil {
		o.t.Error(err)
	}
}

// TestRedisIndexOfAnOlderStore: a store of before gets its indexes while
// persons come, change and go.
func TestRedisIndexOfAnOlderStore(t *testing.T) {
	t.Parallel()
	c := shared.Standalone(t).Client()
	first := New(Options{Client: c})
	defer first.Close()
	older := olderGateway{t, c, first}
	for i := range 700 {
		p := ledgertest.MustSee(t, first, ledger.Observation{AppID: "wxA", OpenID: fmt.Sprint("o", i), Consent: true, Profile: &ledger.Profile{Nickname: fmt.Sprint("n", i%3)}})
		older.write(p.ID, &p)
	}
	if err := c.Del(t.Context(), first.key(keySeen), first.key(keyNickname)).Err(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := first.List(t.Context(), "", 1); err == nil {
		t.Error("a list without an index is given")
	}
	r := testRedis(t, c, "", nil)
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			p := ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: fmt.Sprint("o", 2*i), Consent: true, Profile: &ledger.Profile{Nickname: fmt.Sprint("new ", i)}})
			ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: fmt.Sprint("oNew", i)})
			if i%3 == 0 {
				if err := r.Erase(t.Context(), p.ID); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	ledgertest.Indexed(t, r)
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	if problems, _ := ledgertest.Verified(t, r); len(problems) != 0 {
		t.Errorf("found %+v", problems)
	}
}

// TestRedisIndexAfterAnOlderGateway: what gateways of before have changed
// during an upgrade is made right when the next gateway starts.
func TestRedisIndexAfterAnOlderGateway(t *testing.T) {
	t.Parallel()
	c := shared.Standalone(t).Client()
	r := testRedis(t, c, "", nil)
	see := func(l ledger.Ledger, openID, nickname string) ledger.Person {
		return ledgertest.MustSee(t, l, ledger.Observation{AppID: "wxA", OpenID: openID, Consent: true, Profile: &ledger.Profile{Nickname: nickname}})
	}
	renamed, erased, twice := see(r, "oA", "Alice"), see(r, "oB", "Bob"), see(r, "oC", "Carol")
	ledgertest.Indexed(t, r)
	older := olderGateway{t, c, r}
	renamed.Nickname = "Alicia"
	older.write(renamed.ID, &renamed)
	twice.Nickname = "Caroline"
	older.write(twice.ID, &twice)
	see(r, "oC", "Carola") // by a new gateway, which does not know of Carol
	older.write(erased.ID, nil)
	if err := c.HDel(t.Context(), r.key("openid"), string(ledger.OpenIDKey("wxA", "oB"))).Err(); err != nil {
		t.Fatal(err)
	}
	for prefix, want := range map[string]int{"Alice": 0, "Bob": 0, "Carol": 1, "Caroline": 0} { // no wrong person is found
		if some, err := r.FindNickname(t.Context(), prefix, 9); len(some) != want || err != nil {
			t.Errorf("FindNickname(%q): %d persons, %v, want %d", prefix, len(some), err, want)
		}
	}
	next := testRedis(t, c, "", nil)
	eventually(t, "the indexes are right", func() bool { return next.Check() == nil })
	if some, err := next.FindNickname(t.Context(), "alicia", 9); len(some) != 1 || err != nil {
		t.Errorf("the new nickname: %d persons, %v", len(some), err)
	}
}

// TestRedisIndexWhileAnOlderGatewayWrites: a gateway of before may change a
// record behind the step that removes its entries. What it left is removed by
// the next gateway that starts.
func TestRedisIndexWhileAnOlderGatewayWrites(t *testing.T) {
	t.Parallel()
	b := shared.Standalone(t)
	r := New(Options{Client: b.Client()})
	defer r.Close()
	see := func(nickname string) ledger.Person {
		return ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: "oA", Consent: true, Profile: &ledger.Profile{Nickname: nickname}})
	}
	older := olderGateway{t, b.Client(), r}
	p := see("Alice")
	older.write(p.ID, &p)
	client := b.Client()
	client.AddHook(&beforeScript{hash: oldScript.Hash(), last: -1, do: func() {
		p := see("Alma") // by a new gateway
		p.Nickname = "Anna"
		older.write(p.ID, &p)
	}})
	for range 2 { // starts
		next := New(Options{Client: client})
		if err := next.reindexOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		if some, err := next.FindNickname(t.Context(), "Anna", 9); len(some) != 1 || err != nil {
			t.Errorf("%d persons, %v, want one", len(some), err)
		}
		if err := next.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	if problems, _ := ledgertest.Verified(t, r); len(problems) != 0 {
		t.Errorf("found %+v", problems)
	}
}

// beforeScript does something once, before a script runs with a last argument.
type beforeScript struct {
	hash string
	last any
	once sync.Once
	do   func()
}

func (*beforeScript) DialHook(next redis.DialHook) redis.DialHook { return next }

func (*beforeScript) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h *beforeScript) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if args := cmd.Args(); len(args) > 1 && args[1] == h.hash && args[len(args)-1] == h.last {
			h.once.Do(h.do)
		}
		return next(ctx, cmd)
	}
}

// Entries that lead nowhere do not hide the persons behind them.
func TestRedisInactiveBehindStrays(t *testing.T) {
	t.Parallel()
	c := shared.Standalone(t).Client()
	r := testRedis(t, c, "", nil)
	p := ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: "oA", At: time.Unix(2000, 0)})
	ledgertest.Indexed(t, r)
	for i := range 5 {
		stray := ledger.Person{ID: ledger.NewID(), LastSeen: time.Unix(int64(1000+i), 0)}
		if err := c.ZAdd(t.Context(), r.key(keySeen), redis.Z{Member: stray.Listing().Seen}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	found, err := r.Inactive(t.Context(), time.Unix(3000, 0), 1)
	if err != nil || found.Persons != 6 || len(found.Some) != 1 || found.Some[0].ID != p.ID {
		t.Errorf("found %+v, %v", found, err)
	}
}

// A Redis that comes back empty, or from a backup of before the indexes, gets
// them without a restart of the gateway.
func TestRedisIndexOfALostStore(t *testing.T) {
	t.Parallel()
	c := shared.Standalone(t).Client()
	r := testRedis(t, c, "", nil)
	ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: "oA"})
	ledgertest.Indexed(t, r)
	for _, lost := range []string{"everything", "the indexes"} {
		if lost == "everything" {
			if err := c.FlushDB(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: "oB"})
		} else {
			p, err := r.FindOpenID(t.Context(), "wxA", "oB")
			olderGateway{t, c, r}.write(p.ID, &p)
			if err := errors.Join(err, c.HDel(t.Context(), r.key("meta"), "lists").Err(), c.Del(t.Context(), r.key(keySeen)).Err()); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "the index after a loss of "+lost, func() bool {
			some, _, err := r.List(t.Context(), "", 9)
			return err == nil && len(some) == 1
		})
	}
}
