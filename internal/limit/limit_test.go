package limit

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// someRate is three times at once, and then once a minute.
var someRate = Rate{Burst: 3, Every: time.Minute}

func TestLimiter(t *testing.T) {
	t.Parallel()
	var one One
	var many Keyed
	for name, take := range map[string]func() bool{
		"limiter": func() bool { return one.Take(someRate) },
		"keyed limiter": func() bool {
			ok, again := many.Take("key", "", someRate)
			return ok && !again
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, c := range []struct {
					after time.Duration
					want  int
				}{
					{0, 3}, {time.Minute - time.Nanosecond, 0}, {time.Nanosecond, 1}, {2 * time.Minute, 2}, {time.Hour, 3},
				} {
					time.Sleep(c.after)
					n := 0
					for range 10 {
						if take() {
							n++
						}
					}
					if n != c.want {
						t.Errorf("%v later: %d, want %d", c.after, n, c.want)
					}
				}
			})
		})
	}
}

// The same thing, repeated at once, counts once; something else in between
// makes it new.
func TestLimiterRepeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l Keyed
		for i, c := range []struct {
			what      string
			ok, again bool
		}{
			{"a", true, false},
			{"a", true, true},
			{"a", true, true},
			{"b", true, false},
			{"a", true, false},
			{"b", false, false},
			{"a", true, true},
			{"", false, false},
			{"", false, false},
		} {
			if ok, again := l.Take("key", c.what, someRate); ok != c.ok || again != c.again {
				t.Errorf("call %d, %q: %t, %t; want %t, %t", i, c.what, ok, again, c.ok, c.again)
			}
		}
	})
}

// crowd makes a limiter forget the most that it ever forgets.
func crowd(l *Keyed, from, to int) {
	for i := from; i < to; i++ {
		l.Take(fmt.Sprint("crowd ", i), "", someRate)
	}
}

// Attack: whoever has used up a budget sends a flood of other keys, so that the
// memory is full and the own key begins anew. Nothing is forgotten, neither
// what was spent before the memory was full nor while it was, and memory is
// bounded.
func TestAttackLimiterFlood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l Keyed
		spend := func(key string) (n int) {
			for range 10 {
				if ok, _ := l.Take(key, "", someRate); ok {
					n++
				}
			}
			return n
		}
		if n := spend("attacker"); n != 3 {
			t.Fatalf("%d at first", n)
		}
		crowd(&l, 0, maxLimited+1000)
		if n := spend("attacker"); n != 0 {
			t.Errorf("%d after the flood", n)
		}
		if n := len(l.own); n != maxLimited {
			t.Errorf("%d budgets, want %d", n, maxLimited)
		}
		late := 0
		for i := range 100 {
			late += spend(fmt.Sprint("late ", i))
		}
		if late == 0 || late > 300 {
			t.Errorf("%d for a hundred who come late", late)
		}
		// One minute later the crowd's budgets are whole, and there is room
		// again.
		time.Sleep(time.Minute)
		crowd(&l, maxLimited+1000, maxLimited+1000+maxLimited/8)
		after := 0
		for i := range 100 {
			after += spend(fmt.Sprint("late ", i))
		}
		if after > 100 {
			t.Errorf("%d for those who came late and spent all, want one for each at most", after)
		}
		time.Sleep(time.Hour)
		crowd(&l, 0, maxLimited/4)
		if n := len(l.own); n > maxLimited/2 {
			t.Errorf("%d budgets are kept after an hour", n)
		}
	})
}
