package boltledger

import (
	"testing"
	"testing/synctest"
	"time"
)

// An end that begins later holds from then on, also after a restart, and an
// earlier one for the same id wins. What a restart must not do is to bring back
// what was ended in between.
func TestEndedAt(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	synctest.Test(t, func(t *testing.T) {
		b := testBolt(t, path)
		defer func() { b.Close() }()
		later, sooner, over := [16]byte{1}, [16]byte{2}, [16]byte{3}
		begun := time.Now()
		until := begun.Add(time.Hour)
		at := func(id [16]byte, after time.Duration) {
			t.Helper()
			if err := b.EndSessionAt(t.Context(), id, begun.Add(after), until); err != nil {
				t.Fatal(err)
			}
		}
		at(later, 10*time.Second)
		at(later, 20*time.Second)
		at(sooner, 20*time.Second)
		at(sooner, 10*time.Second)
		at(over, 10*time.Second)
		if err := b.EndSession(t.Context(), over, until); err != nil { // with the very same until
			t.Fatal(err)
		}
		for _, step := range []struct {
			wait time.Duration
			want [3]bool
		}{
			{0, [3]bool{false, false, true}},
			{9999 * time.Millisecond, [3]bool{false, false, true}},
			{time.Millisecond, [3]bool{true, true, true}},
			{59*time.Minute + 49*time.Second, [3]bool{true, true, true}},
			{time.Second, [3]bool{false, false, false}},
		} {
			time.Sleep(step.wait)
			for _, how := range []string{"running", "reopened"} {
				if got := [3]bool{b.Ended(later), b.Ended(sooner), b.Ended(over)}; got != step.want {
					t.Errorf("%s after the begin, %s: ended %v, want %v", time.Since(begun), how, got, step.want)
				}
				b.Close()
				b = testBolt(t, path)
			}
		}
	})
}
