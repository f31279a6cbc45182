package counters_test

import (
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/counters"
)

func TestDurationsBySize(t *testing.T) {
	t.Parallel()
	var d counters.Durations
	for _, took := range []time.Duration{-time.Second, 0, 500 * time.Microsecond, 501 * time.Microsecond, time.Second, 10 * time.Second, time.Minute} {
		d.Observe(took)
	}
	s := d.Read()
	if s.Count != 7 {
		t.Errorf("%d, want 7", s.Count)
	}
	if want := 71.001001; s.Seconds != want {
		t.Errorf("%v s, want %v", s.Seconds, want)
	}
	for bound, want := range map[float64]uint64{0.0005: 3, 0.001: 4, 0.5: 4, 1: 5, 5: 5, 10: 6} {
		if got := s.UpTo[bound]; got != want {
			t.Errorf("up to %v s: %d, want %d", bound, got, want)
		}
	}
}
