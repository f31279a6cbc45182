package webhook

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/boltledger"
	"github.com/caddy-wechat/gateway/internal/ledger/redisledger"
	"github.com/caddy-wechat/gateway/internal/redistest"
)

// stores open real ledgers: each call of the function is another instance of
// the same one.
var stores = map[string]func(t *testing.T) func() ledger.Ledger{
	"Bolt": func(t *testing.T) func() ledger.Ledger {
		b := openBolt(t, filepath.Join(t.TempDir(), "ledger.db"))
		t.Cleanup(func() { _ = b.Close() })
		return func() ledger.Ledger { return b }
	},
	"Redis": func(t *testing.T) func() ledger.Ledger {
		server := redistest.Standalone(t, redistest.Options{})
		return func() ledger.Ledger { return openRedis(t, server.Universal()) }
	},
}

func openBolt(t *testing.T, path string) *boltledger.Ledger {
	t.Helper()
	b, err := boltledger.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func openRedis(t *testing.T, o *redis.UniversalOptions) *redisledger.Ledger {
	o.ContextTimeoutEnabled = true
	client := redis.NewUniversalClient(o)
	r := redisledger.New(redisledger.Options{Client: client, Timeout: 10 * time.Second})
	r.Start()
	t.Cleanup(func() { _, _ = r.Close(), client.Close() })
	return r
}

// What happens to persons in a real ledger arrives at each target that wants
// it, in order for each person, though the receiver fails now and then and the
// first sender ends half-way.
func TestFromTheLedgerToTheReceiver(t *testing.T) {
	t.Parallel()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			instance := open(t)
			first, second := instance(), instance()
			targets := []ledger.Target{{Name: "crm"}, {Name: "mall", Kinds: []ledger.EventKind{ledger.Merged, ledger.Erased}}}
			first.SetTargets(targets)
			second.SetTargets(targets)
			r := newReceiver(t, nil)
			failed := map[string]bool{}
			r.answer = func(c call, _ int) (int, http.Header) {
				r.mu.Lock()
				defer r.mu.Unlock()
				if c.id[0] == 'b' && !failed[c.id] { // ids are random: one in 32
					failed[c.id] = true
					return 503, nil
				}
				return 204, nil
			}
			r.takes = 2 * time.Millisecond
			endFirst := start(t, newSender(first, r, "first"))
			time.Sleep(100 * time.Millisecond)
			endSecond := start(t, newSender(second, r, "second"))
			all := live(t, first, 0)
			time.Sleep(300 * time.Millisecond)
			endFirst()
			all = append(all, live(t, second, 1)...)
			mall := newReceiver(t, accept)
			s := newSender(second, mall, "mall")
			s.Target = "mall"
			endMall := start(t, s)
			for range 2 {
				for _, target := range []string{"crm", "mall"} {
					drained(t, second, target)
				}
				erase(t, second, all...) // all that came before is delivered
				all = nil
			}
			endSecond()
			endMall()
			inOrder(t, r)
			kinds := map[string]int{}
			for _, c := range mall.seen() {
				kinds[typeOfBody(c)]++
			}
			if kinds["merged"] != 40 || kinds["erased"] != 40 || len(kinds) != 2 {
				t.Errorf("mall got %v", kinds)
			}
		})
	}
}

// Persons are erased while a sender delivers their events: of each the receiver
// gets the first events, or none, then the erasure, and nothing afterwards.
func TestErasedWhileEventsAreSent(t *testing.T) {
	t.Parallel()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := open(t)()
			l.SetTargets([]ledger.Target{{Name: "crm"}})
			r := newReceiver(t, accept)
			r.takes = 2 * time.Millisecond
			end := start(t, newSender(l, r, "a"))
			all := live(t, l, 0)
			for i, p := range all {
				time.Sleep(time.Duration(i%3) * time.Millisecond)
				erase(t, l, p)
			}
			drained(t, l, "crm")
			end()
			got := map[string][]string{}
			for _, c := range r.seen() {
				var m message
				if err := json.Unmarshal([]byte(c.body), &m); err != nil {
					t.Fatal(err)
				}
				got[m.Data.User] = append(got[m.Data.User], string(m.Type))
				for _, alias := range m.Data.Aliases {
					if m.Type == ledger.Erased {
						got[alias] = append(got[alias], string(m.Type))
					}
				}
			}
			for _, p := range all {
				for _, id := range p.IDs() {
					if types := got[id]; len(types) == 0 || slices.Index(types, "erased") != len(types)-1 {
						t.Errorf("%s: %v, want the erasure at the end, once", id, types)
					}
				}
			}
		})
	}
}

func erase(t *testing.T, l ledger.Ledger, persons ...ledger.Person) {
	t.Helper()
	for _, p := range persons {
		if err := l.Erase(t.Context(), p.ID); err != nil {
			t.Fatal(err)
		}
	}
}

// live lets 20 persons sign in by two apps, turn out to be one, sign out and
// withdraw.
func live(t *testing.T, l ledger.Ledger, part int) (all []ledger.Person) {
	t.Helper()
	ctx := t.Context()
	for n := range 20 {
		union := fmt.Sprint("u", part, "-", n)
		see := func(app, union string) ledger.Person {
			p, err := l.Observe(ctx, ledger.Observation{AppID: app, OpenID: fmt.Sprint("o", app, part, "-", n), UnionID: union, SignedIn: true, Scope: "snsapi_base"})
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		see("wx1", union)
		see("wx2", "")
		p := see("wx2", union) // merged
		out := ledger.Event{Kind: ledger.LoggedOut, Person: p.ID, Reason: "visitor"}
		taken := ledger.Withdrawal{Kind: ledger.Revoked, AppID: "wx1", OpenID: p.OpenID("wx1"), Profile: true, Consent: true, Reason: "205"}
		if err := l.Tell(ctx, out); err != nil {
			t.Fatal(err)
		}
		if _, _, err := l.Withdraw(ctx, taken); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// drained waits until nothing waits for a target any more.
func drained(t *testing.T, l ledger.Ledger, target string) {
	t.Helper()
	for end := time.Now().Add(90 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		waiting, dead, err := l.Waiting(t.Context(), target)
		if err != nil || dead != 0 {
			t.Fatalf("%s: %d dead, %v", target, dead, err)
		}
		if waiting == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %d still wait", target, waiting)
		}
	}
}

func typeOfBody(c call) string {
	var m message
	_ = json.Unmarshal([]byte(c.body), &m)
	return string(m.Type)
}

// inOrder checks what a receiver of all kinds got of the persons of live.
func inOrder(t *testing.T, r *receiver) {
	t.Helper()
	got := map[string][]string{} // by person; of what was sent more than once, the last
	last := map[string]int{}
	calls := r.seen()
	for i, c := range calls {
		last[c.id] = i
	}
	for i, c := range calls {
		var m message
		if err := json.Unmarshal([]byte(c.body), &m); err != nil {
			t.Fatal(err)
		}
		if last[c.id] == i {
			got[m.Data.User] = append(got[m.Data.User], string(m.Type))
		}
	}
	whole := []string{"signed_in", "merged", "signed_in", "logged_out", "revoked", "erased"}
	persons := 0
	for user, types := range got {
		if slices.Equal(types, []string{"signed_in"}) {
			continue // the one who was merged into another
		}
		if persons++; !slices.Equal(types, whole) {
			t.Errorf("%s: %v", user, types)
		}
	}
	if persons != 40 || len(got) != 80 {
		t.Errorf("%d persons, %d ids", persons, len(got))
	}
}
