package session_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/session"
)

// says is a store in the memory of the test that says what its keys open. It
// does not say what has ended, as Redis does not.
type says struct{ *counted }

func (s says) Opens(value string, b session.Binding) bool {
	sealed := s.Store.(session.Sealed)
	sealed.Tombstones = nil
	return sealed.Opens(value, b)
}

func wantUnanswered(t *testing.T, n *session.CachedStore, value string) {
	t.Helper()
	if _, err := n.Load(t.Context(), value, shop); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("Load gave %v, want ErrUnavailable", err)
	}
}

// A reload with other keys or times while the store is down: what was known
// before goes on, but only as the new configuration would have it.
func TestNearBesideWhenTheStoreIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		before, c := nearOver(t, new(line))
		value := mustSave(t, before, newSession())
		beside := func(policy session.Policy, keys ...string) (*session.CachedStore, *counted) {
			c := &counted{Store: session.Sealed{Keys: newRing(t, keys...), Policy: policy}}
			c.down.Store(true)
			return before.WithConfig(says{c}, policy), c
		}
		c.down.Store(true)
		time.Sleep(2 * time.Minute)

		rotated, _ := beside(session.Policy{}, secrets[1], secrets[0])
		again, counted := rotated.WithConfig(says{c}, session.Policy{}), c
		withdrawn, _ := beside(session.Policy{}, secrets[1])
		shorter, _ := beside(session.Policy{Idle: time.Minute}, secrets[0])
		silent := before.WithConfig(c, session.Policy{}) // does not say what it opens
		for range 100 {
			wantSession(t, rotated, value)
			wantSession(t, again, value)
			time.Sleep(100 * time.Millisecond)
		}
		if asked := counted.loads.Load(); asked > 100 {
			t.Errorf("the store that is down was asked %d times", asked)
		}
		for _, n := range []*session.CachedStore{withdrawn, shorter, silent} {
			wantUnanswered(t, n, value)
		}

		// It is no older than it would be without a reload.
		time.Sleep(session.DefaultStaleIfDown - 2*time.Minute)
		wantUnanswered(t, rotated, value)
		c.down.Store(false)
		wantSession(t, again, value)
	})
}

// While the store works, nobody believes what another one was told, and what
// has ended does not come back when the store goes away.
func TestNearBesideAsksItsOwnStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := new(line)
		before, c := nearOver(t, w)
		time.Sleep(session.DefaultStale)
		heard, denied := newSession(), newSession()
		values := []string{mustSave(t, before, heard), mustSave(t, before, denied)}
		synctest.Wait() // it is announced to all
		own := &counted{Store: c.Store}
		after := before.WithConfig(says{own}, session.Policy{})
		wantSession(t, after, values[0])
		wantLoads(t, own, 1)
		wantSession(t, after, values[0])
		wantLoads(t, own, 0)

		if err := before.End(t.Context(), heard); err != nil {
			t.Fatal(err)
		}
		w.cut.Store(true) // nobody hears of this one, but the store says it
		if err := c.Store.End(t.Context(), denied); err != nil {
			t.Fatal(err)
		}
		wantNone(t, after, values...)
		own.down.Store(true)
		wantUnanswered(t, after, values[0])
		wantUnanswered(t, after, values[1])
	})
}

// A rollback brings back the configuration before the last one: it goes on with
// what the last one was told, and what it hears of an end holds for all that
// come later.
func TestNearBesideAfterARollback(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := new(line)
		memory, c := nearOver(t, w)
		time.Sleep(session.DefaultStale)
		beside := func() (*session.CachedStore, *counted) {
			own := &counted{Store: c.Store}
			return memory.WithConfig(says{own}, session.Policy{}), own
		}
		first, firstStore := beside()
		second, secondStore := beside()
		goes, ends, late := newSession(), newSession(), newSession()
		values := []string{mustSave(t, second, goes), mustSave(t, second, ends), mustSave(t, second, late)}
		synctest.Wait()

		w.cut.Store(true)                           // nobody hears of the ends
		secondStore.delay.Store(int64(time.Second)) // asks before them, and hears afterwards
		time.Sleep(session.DefaultFresh)            // what is known must be asked for again
		go func() { _, _ = second.Load(t.Context(), values[2], shop) }()
		time.Sleep(100 * time.Millisecond)
		for _, s := range []*session.Session{ends, late} {
			if err := c.Store.End(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		wantNone(t, first, values[1], values[2])
		time.Sleep(2 * time.Second)

		third, thirdStore := beside()
		for _, down := range []*counted{firstStore, secondStore, thirdStore} {
			down.down.Store(true)
			down.delay.Store(0)
		}
		for _, n := range []*session.CachedStore{first, second, third} {
			wantSession(t, n, values[0])
			wantUnanswered(t, n, values[1])
			wantUnanswered(t, n, values[2])
		}
	})
}

// The same with Redis, whose values a key of the configuration must have made.
func TestNearBesideOfRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Standalone(t, redistest.Options{AppendOnly: true})
	before, r, _ := gateway(t, server)
	id := mustSave(t, before, newSession())
	sealed := mustSave(t, session.Sealed{Keys: r.Keys}, newSession())
	beside := func(keys ...string) *session.CachedStore {
		next := *r
		next.Keys = newRing(t, keys...)
		next.Sealed = &session.Sealed{Keys: next.Keys}
		return before.WithConfig(&next, session.Policy{})
	}
	upgrading := *r
	upgrading.Sealed = &session.Sealed{Keys: r.Keys}
	wantSession(t, before.WithConfig(&upgrading, session.Policy{}), sealed)
	rotated, withdrawn := beside(secrets[1], secrets[0]), beside(secrets[1])
	server.Kill()
	wantSession(t, rotated, id)
	wantSession(t, rotated, sealed)
	wantNone(t, withdrawn, id, sealed)
	server.Restart()
	comesBack(t, rotated, id)
}
