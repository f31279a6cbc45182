package counters

import (
	"sync/atomic"
	"time"
)

// Bounds are the upper bounds, inclusive and in seconds, of the ranges into
// which Durations sorts.
var Bounds = [...]float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

// Durations counts durations by ranges. The zero value is ready, and so is a
// nil pointer, which counts nothing. It must not be copied.
type Durations struct {
	in  [len(Bounds) + 1]atomic.Uint64 // by range; the last one is above all bounds
	sum atomic.Int64                   // nanoseconds
}

// Observe counts a duration.
func (d *Durations) Observe(took time.Duration) {
	if d == nil {
		return
	}
	took = max(took, 0)
	at := 0
	for at < len(Bounds) && took.Seconds() > Bounds[at] {
		at++
	}
	d.sum.Add(int64(took))
	d.in[at].Add(1)
}

// Sums are the numbers of Durations at one moment.
type Sums struct {
	Count   uint64             // of all durations
	Seconds float64            // of all durations together
	UpTo    map[float64]uint64 // by bound: how many were no longer
}

// Read returns the numbers.
func (d *Durations) Read() Sums {
	s := Sums{UpTo: make(map[float64]uint64, len(Bounds))}
	if d != nil {
		s.Seconds = time.Duration(d.sum.Load()).Seconds()
		for i := range d.in {
			s.Count += d.in[i].Load()
			if i < len(Bounds) {
				s.UpTo[Bounds[i]] = s.Count
			}
		}
		return s
	}
	for _, bound := range Bounds {
		s.UpTo[bound] = 0
	}
	return s
}
