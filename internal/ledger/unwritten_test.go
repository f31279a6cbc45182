package ledger

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// An end whose write has failed is known as unwritten until one that reaches as far
// has succeeded. What finds no room puts all in doubt, for a while.
func TestUnwritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var u unwritten
		one, person := [16]byte{1}, "p"
		want := func(session, all bool) {
			t.Helper()
			if s, a := u.has(one, ""), u.has([16]byte{2}, person); s != session || a != all {
				t.Errorf("the session %t, the person %t; want %t, %t", s, a, session, all)
			}
		}
		want(false, false)
		_ = u.note(ErrUnavailable, 0, string(one[:]))
		_ = u.note(ErrUnavailable, 100, person)
		want(true, true)
		_ = u.note(nil, 0, string(one[:]))
		_ = u.note(nil, 99, person) // an end of before
		want(false, true)
		_ = u.note(nil, 100, person)
		want(false, false)
		for i := range maxUnwritten + 1 {
			_ = u.note(ErrUnavailable, 0, fmt.Sprint(i))
		}
		want(true, true)
		time.Sleep(unwrittenDoubt)
		if want(false, false); len(u.at) != maxUnwritten {
			t.Errorf("%d are remembered", len(u.at))
		}
	})
}
