package signout

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

var errAway = errors.New("the store is away")

// What is kept is bounded, and an end that finds no room counts for no one as
// done.
func TestUnfinishedEndsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var u Unfinished
		var back atomic.Bool
		finish := func(context.Context) error {
			if back.Load() {
				return nil
			}
			return errAway
		}
		for i := range maxUnfinished {
			if err := u.Do(t.Context(), fmt.Sprint(i), finish); !errors.Is(err, errAway) {
				t.Fatalf("%d: %v", i, err)
			}
		}
		if u.Overflowed() {
			t.Error("in doubt before it is full")
		}
		if err := u.Do(t.Context(), "one more", finish); !errors.Is(err, errAway) || !u.Overflowed() || !u.Full() {
			t.Errorf("%v, doubtful %t, full %t", err, u.Overflowed(), u.Full())
		}
		back.Store(true)
		time.Sleep(2 * unfinishedPause)
		synctest.Wait()
		if u.n.Load() != 0 || u.working {
			t.Errorf("%d are left, the goroutine runs: %t", u.n.Load(), u.working)
		}
		time.Sleep(unfinishedDoubt)
		if u.Overflowed() {
			t.Error("in doubt for ever")
		}
	})
}

// Attack: one end that always fails keeps the others from being done.
func TestUnfinishedEndThatAlwaysFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var u Unfinished
		var back atomic.Bool
		done := 0
		for i := range 100 {
			_ = u.Do(t.Context(), fmt.Sprint(i), func(context.Context) error {
				if i < 3 || !back.Load() {
					return errAway
				}
				done++
				return nil
			})
		}
		back.Store(true)
		time.Sleep(3 * unfinishedPause)
		if _ = u.Close(); done != 97 {
			t.Errorf("%d of 97 are done", done)
		}
	})
}

// A session whose end is kept is over; Close gives it a last try, and no
// goroutine is left.
func TestUnfinishedEndsCloses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ last error }{"done at last": {nil}, "in vain": {errAway}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var u Unfinished
				tries, line := 0, session.NewID()
				u.keep(&unfinishedEnd{key: "x", line: line, finish: func(context.Context) error { tries++; return c.last }})
				if !u.HasLine(line) || u.HasLine(session.NewID()) || u.find("", line) == nil {
					t.Error("the line is not found")
				}
				if err := errors.Join(u.Close(), u.Close()); err != nil || tries != 1 || u.HasLine(line) {
					t.Errorf("%v, %d tries", err, tries)
				}
				u.keep(&unfinishedEnd{key: "y", finish: func(context.Context) error { return nil }})
				if u.n.Load() != 0 || !u.Overflowed() {
					t.Error("kept after it was closed")
				}
			})
		})
	}
	var none *Unfinished
	if none.HasLine(session.NewID()) || none.Overflowed() || none.Full() || none.find("v", session.NewID()) != nil || none.Close() != nil {
		t.Error("nil keeps something")
	}
}
