package ledger

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"
)

func TestEndedIsCheap(t *testing.T) {
	var e EndedSessions
	ids := make([][16]byte, 1000)
	for i := range ids {
		rand.Read(ids[i][:])
		e.Add(ids[i], Span{Until: time.Now().Add(time.Hour).Unix()})
	}
	n := 0
	if allocs := testing.AllocsPerRun(1000, func() {
		e.Has(ids[n%len(ids)])
		e.Has([16]byte{byte(n)})
		n++
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkPersonEnded(b *testing.B) {
	var g EndedPersons
	for i := range 1000 {
		g.Add(fmt.Sprintf("abcdefghijklmnopqrstuv%04d", i), PersonEnd{1, time.Now().Add(time.Hour).Unix()})
	}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if !g.Has("abcdefghijklmnopqrstuvwxyz", nil).IsZero() {
				b.Error("ended")
			}
		}
	})
}

// Attack: a gateway starts with a clock of a year ago, reads what was ended,
// and then the clock is set right. No ended session is good again.
func TestEndsOutliveAClockThatWasBehind(t *testing.T) {
	t.Parallel()
	wrong := time.Now().AddDate(-1, 0, 0)
	said := wrong.AddDate(1, 0, 0).Add(-time.Hour)
	m := endedMark{ahead: said.Unix(), taken: time.Second}
	for name, test := range map[string]struct {
		now       time.Time
		sinceBorn time.Duration
		want      time.Time
	}{
		"at once":            {wrong, time.Second, wrong},
		"an hour later":      {wrong.Add(time.Hour), time.Second + time.Hour, wrong},
		"the clock is right": {said.Add(2 * time.Hour), time.Second + time.Hour, said},
	} {
		t.Run(name, func(t *testing.T) {
			if got := m.ends(test.now, test.sinceBorn); got != test.want.Unix() {
				t.Errorf("over up to %v, want %v", time.Unix(got, 0), test.want)
			}
		})
	}
}
