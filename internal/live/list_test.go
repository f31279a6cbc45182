package live_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/live"
	"github.com/caddy-wechat/gateway/session"
)

// owner is a request whose store says what the test wants. Sessions and
// requests through the whole gate are watched by the tests of internal/gate.
type owner struct {
	running live.Running
	id      session.ID
	holds   func(value string) live.Answer
	next    *live.Successor
	asked   atomic.Int32
}

func (o *owner) SessionID() session.ID { return o.id }

func (o *owner) Check(value string) live.Answer {
	o.asked.Add(1)
	return o.holds(value)
}

func (o *owner) Successor() *live.Successor { return o.next }

// newList is a list whose goroutine ends with the test.
func newList(t *testing.T) *live.List {
	t.Helper()
	list := new(live.List)
	t.Cleanup(func() { _ = list.Close() })
	return list
}

// watch has a list watch the owner's request.
func (o *owner) watch(t *testing.T, list *live.List) context.Context {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
	return list.Watch(&o.running, o, "first value", httptest.NewRecorder(), r).Context()
}

// always is a store that says the same of every value.
func always(a live.Answer) func(string) live.Answer { return func(string) live.Answer { return a } }

// lasts is how long a request runs until it is cut, at most an hour.
func lasts(ctx context.Context) time.Duration {
	begun := time.Now()
	select {
	case <-ctx.Done():
	case <-time.After(time.Hour):
	}
	return time.Since(begun)
}

// What cuts a request, and after how long.
func TestWhatCutsARequest(t *testing.T) {
	t.Parallel()
	const soon, never = time.Second, time.Hour
	next := func(same, admits bool, holds func(string) live.Answer) *live.Successor {
		return &live.Successor{SameStore: same, Admits: admits, Check: holds}
	}
	for name, row := range map[string]struct {
		answer  live.Answer
		next    *live.Successor
		signOut bool
		want    time.Duration
	}{
		"the session is valid":              {answer: live.Valid, want: never},
		"the store cannot be asked":         {answer: live.Unavailable, want: never},
		"there is no such session":          {answer: live.NotFound, want: soon},
		"the session has ended":             {answer: live.Ended, want: soon},
		"ended by the app's own answer":     {answer: live.Ended, signOut: true, want: 11 * time.Second},
		"same store, account admitted":      {answer: live.Valid, next: next(true, true, nil), want: never},
		"same store, account gone":          {answer: live.Valid, next: next(true, false, nil), want: time.Minute + soon},
		"another store holds it":            {answer: live.Valid, next: next(false, true, always(live.Valid)), want: time.Minute + soon},
		"another store does not know it":    {answer: live.Valid, next: next(false, true, always(live.NotFound)), want: time.Minute + soon},
		"another store does not answer":     {answer: live.Valid, next: next(false, true, always(live.Unavailable)), want: time.Minute + soon},
		"another store knows that it ended": {answer: live.Valid, next: next(false, true, always(live.Ended)), want: soon},
		"no store any more":                 {answer: live.Valid, next: next(false, false, nil), want: time.Minute + soon},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				list := newList(t)
				o := &owner{holds: always(row.answer), next: row.next}
				ctx := o.watch(t, list)
				if row.signOut {
					o.running.LetSignOutFinish()
				}
				if got := lasts(ctx); got > row.want || got < row.want-2*time.Second {
					t.Errorf("it ran for %v, want about %v", got, row.want)
				}
				if cut := live.Over(ctx) != nil; cut != (row.want != never) {
					t.Errorf("Over says %v", live.Over(ctx))
				}
				o.running.Done()
			})
		})
	}
}

// A session's new value is asked about from then on, and that of no other
// session.
func TestRenewedIsAskedAbout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		list := newList(t)
		first := func(value string) live.Answer {
			if value == "first value" {
				return live.NotFound
			}
			return live.Valid
		}
		renewed, other := &owner{id: session.ID{1}, holds: first}, &owner{id: session.ID{2}, holds: first}
		a, b := renewed.watch(t, list), other.watch(t, list)
		list.Renewed(session.ID{1}, "second value")
		time.Sleep(time.Minute)
		if err := live.Over(a); err != nil {
			t.Errorf("the renewed session's request was cut: %v", err)
		}
		if live.Over(b) == nil {
			t.Error("the other session's request runs on")
		}
		renewed.running.Done()
		other.running.Done()
	})
}

// What is done is not asked about again, in whatever order requests end, and is
// not said to be cut.
func TestDoneIsNotAskedAbout(t *testing.T) {
	t.Parallel()
	for name, order := range map[string][]int{
		"first in, first out": {0, 1, 2},
		"last in, first out":  {2, 1, 0},
		"the middle first":    {1, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				list := newList(t)
				var owners [3]*owner
				for i := range owners {
					owners[i] = &owner{holds: always(live.Valid)}
					owners[i].watch(t, list)
				}
				for gone, i := range order {
					owners[i].running.Done()
					owners[i].running.Done() // twice is no error
					for _, o := range owners {
						o.asked.Store(0)
					}
					time.Sleep(2100 * time.Millisecond) // between two rounds
					for k, j := range order {
						if asked, want := owners[j].asked.Load() > 0, k > gone; asked != want {
							t.Errorf("after %d are done: request %d asked about %t, want %t", gone+1, j, asked, want)
						}
					}
				}
			})
		})
	}
}

// A request that was never watched has nothing to end.
func TestDoneWithoutWatch(t *testing.T) {
	t.Parallel()
	new(live.Running).Done()
}

// After Close nothing runs on, and nothing begins.
func TestCloseCuts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		list := newList(t)
		before, after := &owner{holds: always(live.Valid)}, &owner{holds: always(live.Valid)}
		running := before.watch(t, list)
		for range 2 {
			if err := list.Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
		}
		late := after.watch(t, list)
		for name, ctx := range map[string]context.Context{"a request of before": running, "a request of after": late} {
			if err := live.Over(ctx); !errors.Is(err, live.ErrOver) {
				t.Errorf("%s: %v, want ErrOver", name, err)
			}
		}
		before.running.Done()
		after.running.Done()
	})
	if err := (*live.List)(nil).Close(); err != nil {
		t.Errorf("Close of nil: %v", err)
	}
}
