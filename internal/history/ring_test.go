package history_test

import (
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/counters"
	"github.com/caddy-wechat/gateway/internal/history"
)

// counted is what a gateway has counted.
type counted struct {
	mu       sync.Mutex
	started  uint64
	finished map[string]uint64
	errcodes map[string]uint64
	calls    counters.Durations
}

func newCounted() *counted {
	return &counted{finished: map[string]uint64{}, errcodes: map[string]uint64{}}
}

func (c *counted) totals() history.Totals {
	c.mu.Lock()
	defer c.mu.Unlock()
	return history.Totals{Started: c.started, Finished: maps.Clone(c.finished), Errcodes: maps.Clone(c.errcodes), Calls: c.calls.Read()}
}

// signIn counts a sign-in that begins now and ends as said.
func (c *counted) signIn(outcome, errcode string, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.started++
	c.finished[outcome]++
	c.errcodes[errcode]++
	c.calls.Observe(took)
}

// ring runs a test with a Ring in a bubble, where the clock begins at midnight.
func ring(t *testing.T, test func(*testing.T, *counted, *history.Ring)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := newCounted()
		c.signIn("signed_in", "0", time.Second) // before the history began
		r := history.New(c.totals)
		defer func() {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}()
		test(t, c, r)
	})
}

// What happens belongs to the five minutes in which it happens, and what was
// counted before belongs to none.
func TestRingSortsByTime(t *testing.T) {
	t.Parallel()
	ring(t, func(t *testing.T, c *counted, r *history.Ring) {
		midnight := time.Now().UTC()
		c.signIn("signed_in", "0", 80*time.Millisecond)
		time.Sleep(history.Step - time.Second)
		c.signIn("wechat_error", "40163", 80*time.Millisecond)
		time.Sleep(time.Second)
		synctest.Wait()
		c.signIn("signed_in", "0", 80*time.Millisecond)
		time.Sleep(2*history.Step + time.Minute)
		c.signIn("declined", "0", 80*time.Millisecond)

		got := r.Buckets()
		want := []struct {
			started            uint64
			finished, errcodes map[string]uint64
		}{
			{2, map[string]uint64{"signed_in": 1, "wechat_error": 1}, map[string]uint64{"0": 1, "40163": 1}},
			{1, map[string]uint64{"signed_in": 1}, map[string]uint64{"0": 1}},
			{0, map[string]uint64{}, map[string]uint64{}},
			{1, map[string]uint64{"declined": 1}, map[string]uint64{"0": 1}},
		}
		if len(got) != len(want) {
			t.Fatalf("%d buckets, want %d: %+v", len(got), len(want), got)
		}
		for i, w := range want {
			b := got[i]
			if from := midnight.Add(time.Duration(i) * history.Step); !b.From.Equal(from) {
				t.Errorf("bucket %d begins at %s, want %s", i, b.From, from)
			}
			if b.Started != w.started || !maps.Equal(b.Finished, w.finished) || !maps.Equal(b.Errcodes, w.errcodes) {
				t.Errorf("bucket %d is %+v, want %+v", i, b, w)
			}
			if (b.Latency == nil) != (w.started == 0) {
				t.Errorf("bucket %d: latency %+v of %d calls", i, b.Latency, w.started)
			}
		}
	})
}

// A gateway that runs for years keeps a day.
func TestRingForgets(t *testing.T) {
	t.Parallel()
	ring(t, func(t *testing.T, c *counted, r *history.Ring) {
		c.signIn("signed_in", "0", time.Millisecond)
		time.Sleep(history.Span - time.Second)
		if got := r.Buckets(); got[0].Started != 1 || len(got) != 288 {
			t.Errorf("before the day is over: %d buckets, the first with %d", len(got), got[0].Started)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := r.Buckets(); got[0].Started != 0 || len(got) != 288 {
			t.Errorf("after a day: %d buckets, the first with %d", len(got), got[0].Started)
		}
		time.Sleep(10 * history.Span)
		synctest.Wait()
		if got := r.Buckets(); len(got) != 288 {
			t.Errorf("after ten days: %d buckets", len(got))
		}
	})
}

// The sign-ins of the last hour are those since the bucket that began an hour
// ago at most.
func TestRecent(t *testing.T) {
	t.Parallel()
	ring(t, func(t *testing.T, c *counted, r *history.Ring) {
		begun := time.Now().UTC()
		check := func(when string, since time.Time, want map[string]uint64) {
			t.Helper()
			if got := r.Recent(); !got.Since.Equal(since) || !maps.Equal(got.Finished, want) {
				t.Errorf("%s: %+v, want %v since %s", when, got, want, since)
			}
		}
		check("at first", begun, map[string]uint64{})
		c.signIn("signed_in", "0", time.Millisecond)
		check("a sign-in", begun, map[string]uint64{"signed_in": 1})
		time.Sleep(30 * time.Minute)
		c.signIn("busy", "0", time.Millisecond)
		c.signIn("signed_in", "0", time.Millisecond)
		time.Sleep(30 * time.Minute)
		check("after an hour", begun, map[string]uint64{"signed_in": 2, "busy": 1})
		time.Sleep(time.Minute)
		check("a minute later", begun.Add(history.Step), map[string]uint64{"signed_in": 1, "busy": 1})
		time.Sleep(2 * time.Hour)
		check("after a quiet time", begun.Add(2*time.Hour+5*time.Minute), map[string]uint64{})
	})
}

// What was counted before the history began is not in it, though its bucket
// began earlier.
func TestRecentBeginsWithTheRing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(2 * time.Minute) // into a bucket
		r := history.New(newCounted().totals)
		defer r.Close()
		if got := r.Recent(); !got.Since.Equal(r.Begun()) {
			t.Errorf("since %s, want %s", got.Since, r.Begun())
		}
	})
}

// Nothing is lost or counted twice, however often it is read.
func TestRingCountsEachOnce(t *testing.T) {
	t.Parallel()
	ring(t, func(t *testing.T, c *counted, r *history.Ring) {
		var sum uint64
		for range 500 {
			c.signIn("signed_in", "0", time.Millisecond)
			time.Sleep(97 * time.Second)
			r.Buckets()
		}
		for _, b := range r.Buckets() {
			sum += b.Started
		}
		if sum != 500 {
			t.Errorf("%d sign-ins, want 500", sum)
		}
	})
}

func TestLatency(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		took     []time.Duration
		p50, p95 float64
	}{
		{"one call", []time.Duration{70 * time.Millisecond}, 75, 97.5},
		{"half of them fast", []time.Duration{time.Millisecond, time.Millisecond, 200 * time.Millisecond, 200 * time.Millisecond}, 1, 235},
		{"too long to tell", []time.Duration{time.Minute, time.Minute}, 10_000, 10_000},
		{"no time at all", []time.Duration{0}, 0.3, 0.5},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ring(t, func(t *testing.T, seen *counted, r *history.Ring) {
				for _, took := range c.took {
					seen.signIn("signed_in", "0", took)
				}
				l := r.Buckets()[0].Latency
				if l == nil || l.Calls != uint64(len(c.took)) || l.P50 != c.p50 || l.P95 != c.p95 {
					t.Errorf("%+v, want p50 %v and p95 %v", l, c.p50, c.p95)
				}
			})
		})
	}
}
