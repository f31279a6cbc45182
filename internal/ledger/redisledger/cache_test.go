package redisledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
	"github.com/caddy-wechat/gateway/internal/redistest"
)

// follower looks at a person as the gate does: it keeps what it found until the
// generation moves.
type follower struct {
	r          *Ledger
	id         string
	generation uint64
	person     ledger.Person
}

func (f *follower) look() (ledger.Person, error) {
	g := f.r.Generation()
	if g == f.generation {
		return f.person, nil
	}
	p, err := f.r.Find(context.Background(), f.id)
	if err == nil {
		f.generation, f.person = g, p
	}
	return p, err
}

// lag is how long the follower still sees what change changes.
func lag(t *testing.T, f *follower, change func() uint64) time.Duration {
	t.Helper()
	if _, err := f.look(); err != nil {
		t.Fatal(err)
	}
	want := change()
	begun := time.Now()
	eventually(t, "the change is seen", func() bool {
		p, err := f.look()
		if err != nil {
			t.Fatal(err)
		}
		return p.Version >= want
	})
	return time.Since(begun)
}

// TestRedisStaleness measures how soon one instance sees what another wrote:
// with the channel, with a channel that is cut, and when it works again.
func TestRedisStaleness(t *testing.T) {
	changes := 3
	if ledgertest.UnderLoad {
		changes = 5
	}
	shared.Each(t, func(t *testing.T, b redistest.Backend) {
		a, z := testRedis(t, b.Client(), "", nil), testRedis(t, b.Client(), "", nil)
		f := &follower{r: z, id: ledgertest.MustSee(t, a, ledger.Observation{AppID: "wxA", OpenID: "oA"}).ID}
		n := 0
		change := func() uint64 {
			n++
			return ledgertest.MustSee(t, a, ledger.Observation{AppID: "wxA", OpenID: "oA", Profile: &ledger.Profile{Nickname: fmt.Sprint("n", n)}}).Version
		}
		measure := func(what string, limit time.Duration) {
			t.Helper()
			var worst time.Duration
			for i := range changes {
				time.Sleep(time.Duration(550*i/changes) * time.Millisecond) // at another time of the beat each
				worst = max(worst, lag(t, f, change))
			}
			t.Logf("%s: the slowest of %d changes was seen after %v", what, changes, worst.Round(time.Millisecond/10))
			wantSoon(t, what+": the slowest change", worst, limit)
		}
		measure("channel works", time.Second)
		cut(t, b, "resetchannels")
		measure("channel just cut", time.Second+100*time.Millisecond)
		measure("channel cut", time.Second+100*time.Millisecond)
		until := time.Now().Add(time.Hour)
		if err := errors.Join(a.EndSession(t.Context(), [16]byte{7}, until), a.EndPerson(t.Context(), f.id, time.Now(), until)); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		eventually(t, "tombstones", func() bool { return z.Ended([16]byte{7}) && !z.PersonEnded(f.id).IsZero() })
		wantSoon(t, "tombstones", time.Since(begun), time.Second+100*time.Millisecond)
		cut(t, b, "allchannels")
		eventually(t, "the channel works again", func() bool { return z.works(time.Now()) })
		measure("channel works again", time.Second)
	})
}

// cut takes the right to use channels from everybody, or gives it back.
func cut(t *testing.T, b redistest.Backend, rule string) {
	t.Helper()
	for _, s := range b.Servers() {
		if err := s.Do("acl", "setuser", "default", rule).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRedisFindIsNeverStale: once See returned, and once Generation has moved,
// no Find here gives anything older.
func TestRedisFindIsNeverStale(t *testing.T) {
	t.Parallel()
	r := testRedis(t, shared.Standalone(t).Client(), "", nil)
	id := ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: "oA"}).ID
	var (
		wg      sync.WaitGroup
		version atomic.Uint64
		done    atomic.Bool
	)
	for range 4 {
		wg.Go(func() {
			for !done.Load() {
				atLeast := version.Load()
				p, err := r.Find(t.Context(), id)
				if err != nil || p.Version < atLeast {
					t.Errorf("version %d after %d, %v", p.Version, atLeast, err)
					return
				}
			}
		})
	}
	for i := range 300 {
		g := r.Generation()
		p := ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: "oA", Profile: &ledger.Profile{Nickname: fmt.Sprint("n", i)}})
		version.Store(p.Version)
		if r.Generation() <= g {
			t.Error("the generation did not move")
		}
	}
	done.Store(true)
	wg.Wait()
}

// hook lets a test meddle with the one script that writes.
type hook struct{ write func(next func() error) error }

func (h hook) DialHook(next redis.DialHook) redis.DialHook { return next }
func (h hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if args := cmd.Args(); len(args) < 2 || args[1] != writeScript.Hash() {
			return next(ctx, cmd)
		}
		return h.write(func() error { return next(ctx, cmd) })
	}
}

// TestRedisWriteUnknown: the answer is lost, and nobody knows what happened.
// Nothing old may be given out.
func TestRedisWriteUnknown(t *testing.T) {
	t.Parallel()
	c := miniClient(t)
	r := testRedis(t, c, "", nil)
	p := ledgertest.MustSee(t, r, ledger.Observation{AppID: "wxA", OpenID: "oA"})
	if _, err := r.Find(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	var lose atomic.Bool
	lose.Store(true)
	c.AddHook(hook{func(next func() error) error {
		if err := next(); err != nil || !lose.Load() {
			return err
		}
		return context.DeadlineExceeded
	}})
	g := r.Generation()
	_, err := r.Observe(t.Context(), ledger.Observation{AppID: "wxA", OpenID: "oA", UnionID: "u"})
	if !errors.Is(err, ledger.ErrUnavailable) || r.Generation() <= g {
		t.Errorf("%v, generation %d after %d", err, r.Generation(), g)
	}
	if q, err := r.Find(t.Context(), p.ID); err != nil || q.UnionID != "u" {
		t.Errorf("%+v, %v", q, err)
	}
}

// TestRedisEventsInOrder: events of one person come in the order of the
// changes, however many are at work.
func TestRedisEventsInOrder(t *testing.T) {
	t.Parallel()
	linked := map[string][]string{}
	r := testRedis(t, shared.Standalone(t).Client(), "", nil)
	r.SetTargets([]ledger.Target{{Name: "crm"}})
	var wg sync.WaitGroup
	for human := range 5 {
		for app := range 40 {
			wg.Go(func() {
				ledgertest.MustSee(t, r, ledger.Observation{AppID: fmt.Sprint("wx", app), OpenID: fmt.Sprint("o", human), UnionID: fmt.Sprint("u", human)})
			})
		}
	}
	wg.Wait()
	for {
		due, _, err := r.Due(t.Context(), "crm", time.Now(), 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(due) == 0 {
			break
		}
		for _, d := range due {
			linked[d.Person] = append(linked[d.Person], d.AppID)
			if err := r.Sent(t.Context(), "crm", d.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	for human := range 5 {
		p, err := r.FindUnionID(t.Context(), fmt.Sprint("u", human))
		if err != nil {
			t.Fatal(err)
		}
		var order []string // accounts stand in the order in which they were attached; the first made the person
		for _, a := range p.Accounts[1:] {
			order = append(order, a.AppID)
		}
		if got := linked[p.ID]; fmt.Sprint(got) != fmt.Sprint(order) {
			t.Errorf("events %v, want %v", got, order)
		}
	}
}
