package history

import (
	"slices"
	"sync"
	"time"
)

const (
	// Step is the length of a bucket.
	Step = 5 * time.Minute
	// Span is how far a Ring looks back.
	Span = 24 * time.Hour
)

// Bucket is what happened in one Step.
type Bucket struct {
	From     time.Time         `json:"from"`
	Started  uint64            `json:"started"`
	Finished map[string]uint64 `json:"finished"`          // by outcome; without those that did not happen
	Errcodes map[string]uint64 `json:"errcodes"`          // by error code or another result, "0" is success; likewise
	Latency  *Latency          `json:"latency,omitempty"` // nil if WeChat was not asked
}

// Ring holds the buckets of the last Span. Make it with [New]. It must be
// closed.
type Ring struct {
	totals func() Totals
	stop   chan struct{}
	done   sync.WaitGroup

	mu     sync.Mutex
	begun  time.Time
	closed []Bucket  // the oldest is the first
	open   time.Time // when the open bucket began
	base   Totals    // at the beginning of the open bucket
}

// New returns a Ring that begins now. totals must be safe for concurrent use.
func New(totals func() Totals) *Ring {
	now := time.Now()
	r := &Ring{totals: totals, stop: make(chan struct{}), begun: now.UTC(), open: now.UTC().Truncate(Step), base: totals()}
	r.done.Go(r.run)
	return r
}

// run closes each bucket at its end.
func (r *Ring) run() {
	for {
		timer := time.NewTimer(time.Until(time.Now().Truncate(Step).Add(Step)))
		select {
		case <-r.stop:
			timer.Stop()
			return
		case <-timer.C:
			r.mu.Lock()
			r.roll(time.Now())
			r.mu.Unlock()
		}
	}
}

// roll closes the open bucket if it is over. The caller has locked mu.
func (r *Ring) roll(now time.Time) {
	start := now.UTC().Truncate(Step)
	switch {
	case start.Equal(r.open):
		return
	case start.Before(r.open):
		// The clock was set back: these times come again.
		r.closed = slices.DeleteFunc(r.closed, func(b Bucket) bool { return !b.From.Before(start) })
	default:
		totals := r.totals()
		b := totals.since(&r.base)
		b.From = r.open
		r.closed, r.base = append(r.closed, b), totals
	}
	r.open = start
	r.closed = slices.DeleteFunc(r.closed, func(b Bucket) bool { return start.Sub(b.From) >= Span })
}

// Begun returns when the Ring was made.
func (r *Ring) Begun() time.Time { return r.begun }

// Buckets returns the buckets of the last Span, the oldest first. The last one
// is not over yet. There is none for a time in which the machine slept.
func (r *Ring) Buckets() []Bucket {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.roll(time.Now())
	totals := r.totals()
	b := totals.since(&r.base)
	b.From = r.open
	return append(slices.Clone(r.closed), b)
}

// Close ends the Ring.
func (r *Ring) Close() error {
	close(r.stop)
	r.done.Wait()
	return nil
}
