package redisledger

import (
	_ "embed"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

//go:embed testdata/write-before-kinds.lua
var luaBeforeKinds string

// scriptBeforeKinds is writeScript of gateways without bounds by kind.
var scriptBeforeKinds = redis.NewScript(luaBeforeKinds)

// office has two gateways at one Redis: one of today, and an older one.
type office struct {
	t *testing.T
	*Ledger
	older ledger.Limits // of the older gateway
}

// before runs a batch as the older gateway does.
func (o *office) before(b *batch) {
	o.t.Helper()
	mine := o.limits
	o.limits = o.older
	args := o.arguments(b)
	o.limits = mine
	if err := scriptBeforeKinds.Run(o.t.Context(), o.Client, append(o.keys(), b.keys...), args...).Err(); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) now(b *batch) {
	o.t.Helper()
	if _, _, err := o.write(o.t.Context(), b); err != nil {
		o.t.Fatal(err)
	}
}

// add is a batch with one new event.
func (o *office) add(kind ledger.EventKind) *batch {
	o.t.Helper()
	e := ledger.Event{ID: ledger.NewID(), Kind: kind, Person: ledger.NewID(), AppID: "wxA", OpenID: "oA", At: time.Unix(9, 0)}
	b := newBatch()
	if err := b.notify(&o.server, []ledger.Notice{{Event: e, Line: ledger.LineOf(&e), To: []string{"crm"}}}); err != nil {
		o.t.Fatal(err)
	}
	return b
}

// one is a batch with one step about an event.
func (o *office) one(step, id string, args ...any) *batch {
	b := newBatch()
	b.step(step, b.use(o.queueKeys("crm")...), append([]any{id}, args...)...)
	return b
}

func (o *office) look() *ledgertest.Posted {
	o.t.Helper()
	p, err := posted(o.Ledger, "crm")
	if err != nil {
		o.t.Fatal(err)
	}
	return p
}

// heal has the gateway of today deliver every event, and write a few more. The
// indexes must be right then.
func (o *office) heal() {
	o.t.Helper()
	for id := range o.look().Dead {
		o.now(o.one("back", id))
	}
	for id := range o.look().Waiting {
		o.now(o.one("sent", id))
	}
	var err error
	for range 10 {
		o.now(o.add(ledger.LoggedOut))
		if err = o.Check(); err == nil {
			return
		}
	}
	o.t.Error(err)
}

func newOffice(t *testing.T) *office {
	r := testRedis(t, shared.Standalone(t).Client(), "", nil)
	r.SetTargets([]ledger.Target{{Name: "crm"}})
	return &office{t, r, ledger.Limits{Waiting: 100_000, Dead: 100_000}}
}

// TestRedisOfBeforeKinds: the indexes of a queue that an older gateway left are
// built step by step. A flood pushes no event of another kind out meanwhile.
func TestRedisOfBeforeKinds(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	kept := []ledger.EventKind{ledger.Revoked, ledger.Cancelled, ledger.Erased, ledger.ProfileChanged}
	for range 2 {
		for _, kind := range kept {
			o.before(o.add(kind))
		}
		for range 150 {
			o.before(o.add(ledger.Declined))
		}
		if len(o.look().Dead) == 0 { // the first time
			for id := range o.look().Waiting {
				o.before(o.one("bury", id, "410 Gone"))
			}
		}
	}
	o.Limit(5, 3)
	for range 30 {
		o.now(o.add(ledger.Declined))
	}
	if err := o.Check(); err != nil {
		t.Errorf("after 30 writes: %v", err)
	}
	p := o.look()
	waiting, dead := ledgertest.NumbersOf(p.Waiting), ledgertest.NumbersOf(p.Dead)
	for _, kind := range kept {
		if waiting[kind] != 1 || dead[kind] != 1 {
			t.Errorf("%s: %d wait, %d are dead, want 1 and 1", kind, waiting[kind], dead[kind])
		}
	}
	if n := waiting[ledger.Declined]; n < 150 || n > 155 {
		t.Errorf("%d declined wait: want as many as before, and few more", n)
	}
	if n := dead[ledger.Declined]; n != 3 {
		t.Errorf("%d declined are dead, want 3", n)
	}
}

// TestBesideAGatewayOfBefore: an older gateway and one of today add, deliver,
// bury and redeliver in turn. No event of another kind is given up, and once
// the older gateway has gone, and its events are delivered, the indexes are
// right.
func TestBesideAGatewayOfBefore(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			o, dice := newOffice(t), rand.New(rand.NewPCG(seed, 7))
			o.Limit(20, 20)
			legal := map[string]bool{} // what must be there at the end
			for range 300 {
				do := o.now
				if dice.IntN(2) == 0 {
					do = o.before
				}
				p := o.look()
				waiting, dead := slices.Sorted(maps.Keys(p.Waiting)), slices.Sorted(maps.Keys(p.Dead))
				switch n := dice.IntN(10); {
				case n < 5 || len(waiting) == 0:
					do(o.add([]ledger.EventKind{ledger.Declined, ledger.SignedIn, ledger.LoggedOut}[dice.IntN(3)]))
				case n == 5 && len(legal) < 15:
					b := o.add(ledger.Revoked)
					legal[b.steps[2].(string)] = true
					do(b)
				case n == 8 && len(dead) > 0:
					do(o.one("back", dead[dice.IntN(len(dead))]))
				case n == 9:
					do(o.one("bury", waiting[dice.IntN(len(waiting))], "410 Gone"))
				default:
					if id := waiting[dice.IntN(len(waiting))]; !legal[id] {
						do(o.one("sent", id))
					}
				}
			}
			for id := range legal {
				p := o.look()
				if p.Waiting[id].ID == "" && p.Dead[id].ID == "" {
					t.Error("a revoked event was given up")
				}
			}
			o.Limit(1000, 1000)
			o.heal()
		})
	}
}
