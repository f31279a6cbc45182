package ledger

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// An end whose write has failed is known as unwritten until one that reaches as
// far has succeeded. What finds no room puts all in doubt, for a while.
func TestUnwritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var u UnwrittenEnds
		one, person := [16]byte{1}, "p"
		want := func(session, all bool) {
			t.Helper()
			if s, a := u.Has(one, ""), u.Has([16]byte{2}, person); s != session || a != all {
				t.Errorf("the session %t, the person %t; want %t, %t", s, a, session, all)
			}
		}
		want(false, false)
		_ = u.Note(ErrUnavailable, 0, string(one[:]))
		_ = u.Note(ErrUnavailable, 100, person)
		want(true, true)
		_ = u.Note(nil, 0, string(one[:]))
		_ = u.Note(nil, 99, person) // an end of before
		want(false, true)
		_ = u.Note(nil, 100, person)
		want(false, false)
		for i := range maxUnwritten + 1 {
			_ = u.Note(ErrUnavailable, 0, fmt.Sprint(i))
		}
		want(true, true)
		time.Sleep(unwrittenDoubt)
		if want(false, false); len(u.at) != maxUnwritten {
			t.Errorf("%d are remembered", len(u.at))
		}
	})
}
