package session_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// nearOver starts a CachedStore over a store in the memory of the test.
func nearOver(t *testing.T, bus session.Bus) (*session.CachedStore, *counted) {
	t.Helper()
	c := &counted{Store: session.Sealed{Keys: newRing(t, secrets[0]), Tombstones: new(graves)}}
	n := &session.CachedStore{Store: c, Bus: bus}
	n.Start()
	n.Start() // does nothing
	t.Cleanup(func() { _ = n.Close() })
	return n, c
}

func wantLoads(t *testing.T, c *counted, want int64) {
	t.Helper()
	if got := c.loads.Swap(0); got != want {
		t.Helper()
		t.Errorf("the store was asked %d times, want %d", got, want)
	}
}

func TestNearRemembers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := new(line)
		n, c := nearOver(t, w)
		time.Sleep(time.Second)
		value := mustSave(t, n, newSession())
		synctest.Wait() // it is announced to all, to us as well
		wantSession(t, n, value)
		wantLoads(t, c, 1)
		for range 48 { // it is known, for as long as the channel works
			wantSession(t, n, value)
			time.Sleep(100 * time.Millisecond)
		}
		wantLoads(t, c, 0)
		time.Sleep(session.DefaultFresh)
		wantSession(t, n, value, value)
		wantLoads(t, c, 1)
		w.cut.Store(true) // it answers no more: a second at most
		time.Sleep(session.DefaultStale)
		wantSession(t, n, value, value)
		time.Sleep(session.DefaultStale / 2)
		wantSession(t, n, value)
		wantLoads(t, c, 1)
		time.Sleep(session.DefaultStale / 2)
		wantSession(t, n, value)
		wantLoads(t, c, 1)
		w.cut.Store(false) // and works again by itself
		time.Sleep(session.DefaultStale)
		wantSession(t, n, value)
		wantLoads(t, c, 1)
		time.Sleep(session.DefaultFresh - 100*time.Millisecond)
		wantSession(t, n, value)
		wantLoads(t, c, 0)
		wantNone(t, n, "", "x", value+"x", value+"x")
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(session.DefaultStale)
		wantSession(t, n, value)
	})
}

func TestNearSharesEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := new(line)
		a, c := nearOver(t, w)
		b := &session.CachedStore{Store: c, Bus: w}
		b.Start()
		defer b.Close()
		time.Sleep(time.Second)
		s := newSession()
		value := mustSave(t, a, s)
		wantSession(t, b, value)
		if err := a.End(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		wantNone(t, a, value)
		wantNone(t, b, value)

		// With the channel cut in silence, Stale bounds it.
		s = newSession()
		value = mustSave(t, a, s)
		wantSession(t, b, value)
		w.cut.Store(true)
		if err := a.End(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		wantNone(t, a, value)
		time.Sleep(session.DefaultStale)
		wantNone(t, b, value)
	})
}

// An end that is announced while a load is under way outranks what it brings.
func TestNearDoesNotRememberWhatEndsMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := new(line)
		a, c := nearOver(t, w)
		b := &session.CachedStore{Store: c.Store, Bus: w}
		time.Sleep(time.Second)
		s := newSession()
		value := mustSave(t, b, s)
		c.delay.Store(int64(500 * time.Millisecond))
		go func() { _, _ = a.Load(t.Context(), value, shop) }()
		time.Sleep(100 * time.Millisecond)
		if err := b.End(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		wantNone(t, a, value) // asks anew: the load under way is not joined
		time.Sleep(time.Second)
		wantNone(t, a, value)
	})
}

func TestNearWhenTheStoreIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, c := nearOver(t, new(line))
		n.Policy.Idle = 4 * time.Minute
		known, renewed := mustSave(t, n, newSession()), newSession()
		unknown := mustSave(t, c.Store, newSession())
		old := mustSave(t, n, renewed)
		c.down.Store(true)
		c.delay.Store(int64(time.Second)) // slow as well
		var waited time.Duration
		for range 100 {
			time.Sleep(time.Second)
			begun := time.Now()
			wantSession(t, n, known)
			waited = max(waited, time.Since(begun))
			if _, err := n.Load(t.Context(), unknown, shop); !errors.Is(err, session.ErrUnavailable) {
				t.Fatalf("Load gave %v, want ErrUnavailable", err)
			}
			if time.Since(begun) > 2*time.Second {
				t.Fatalf("it took %s", time.Since(begun))
			}
		}
		if waited > time.Second {
			t.Errorf("a visitor waited %s", waited)
		}
		// A session that expires meanwhile is not served; nor is it said to be
		// none.
		time.Sleep(2 * time.Minute)
		if _, err := n.Load(t.Context(), known, shop); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("Load gave %v, want ErrUnavailable", err)
		}
		c.down.Store(false)
		wantNone(t, session.Sealed{Keys: newRing(t, secrets[0]), Policy: n.Policy}, old)
		wantSession(t, n, unknown)
	})
}

func TestNearServesStaleForALimitedTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, c := nearOver(t, nil)
		value := mustSave(t, n, newSession())
		c.down.Store(true)
		time.Sleep(session.DefaultStaleIfDown - time.Second)
		wantSession(t, n, value)
		time.Sleep(time.Second)
		if _, err := n.Load(t.Context(), value, shop); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("Load gave %v, want ErrUnavailable", err)
		}
		c.down.Store(false)
		wantSession(t, n, value)

		// A session that ended during the outage is none as soon as the store
		// says so.
		c.down.Store(true)
		time.Sleep(time.Minute)
		s := wantSession(t, n, value)
		if err := c.Store.End(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		c.down.Store(false)
		time.Sleep(time.Second)
		wantNone(t, n, value)
	})
}

// One value is asked for once; whoever leaves does not take the answer along.
func TestNearAsksOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, c := nearOver(t, nil)
		value := mustSave(t, c.Store, newSession())
		c.delay.Store(int64(100 * time.Millisecond))
		first, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := n.Load(first, value, shop); !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("Load of who left gave %v", err)
			}
		})
		synctest.Wait()
		for range 50 {
			all.Go(func() {
				s, err := n.Load(t.Context(), value, shop)
				if err != nil {
					t.Errorf("Load: %s", err)
					return
				}
				s.Person = "changed by a caller" // each has its own, or -race says so
			})
		}
		synctest.Wait()
		leave()
		all.Wait()
		wantLoads(t, c, 1)
	})
}

func TestNearForgetsWhoDoesNotCome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, c := nearOver(t, nil)
		n.MaxEntries = 100
		n.Stale = time.Hour
		regular := mustSave(t, n, newSession())
		for range 1000 {
			time.Sleep(time.Millisecond)
			mustSave(t, n, newSession())
			wantSession(t, n, regular)
		}
		if asked := c.loads.Load(); asked > 5 {
			t.Errorf("a regular visitor was forgotten %d times", asked)
		}
	})
}

// Whatever comes over the channel, the worst is one more question to the store.
func TestNearSurvivesStrangeMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := new(line)
		n, _ := nearOver(t, w)
		value := mustSave(t, n, newSession())
		for _, message := range []string{
			"", "e", "c", "b", "p", "b:", "b:9", "exx", "zzz", "e" + string(make([]byte, 1<<16)), "bAAAA:99999999999999999999",
		} {
			_ = w.Publish(t.Context(), message)
		}
		time.Sleep(time.Second)
		wantSession(t, n, value)
	})
}

// nobody is a channel that cannot be reached.
type nobody struct{}

func (nobody) Publish(context.Context, string) error { return errors.New("unreachable") }
func (nobody) Subscribe(context.Context, func(string)) error {
	return errors.New("unreachable")
}

// A channel that never works is said to be so at the beginning, and once.
func TestNearNeverReachedIsLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		n := &session.CachedStore{Store: new(counted), Bus: nobody{}, Logger: slog.New(slog.NewTextHandler(&log, nil))}
		n.Start()
		time.Sleep(time.Minute)
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		if got := strings.Count(log.String(), "session channel broken"); got != 1 {
			t.Errorf("%d lines: %s", got, &log)
		}
	})
}
