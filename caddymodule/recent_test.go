package caddymodule

import (
	"maps"
	"testing"
	"time"
)

// The sign-ins of the last hour are those after the counters of an hour ago.
func TestRecentSignIns(t *testing.T) {
	t.Parallel()
	var r recentSignIns
	begun := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	after := func(d time.Duration) time.Time { return begun.Add(d) }
	if f := r.between(begun, map[string]uint64{"signed_in": 5}); len(f.Finished) != 0 || !f.Since.Equal(begun) {
		t.Errorf("before the first note: %+v", f)
	}
	r.note(begun, map[string]uint64{"signed_in": 5})
	for minute := 1; minute <= 180; minute++ {
		at := after(time.Duration(minute) * time.Minute)
		r.note(at, map[string]uint64{"signed_in": 5 + uint64(minute)})
		r.note(at.Add(time.Second), map[string]uint64{"signed_in": 1000}) // of another configuration
		if n := len(r.noted); n > 61 {
			t.Fatalf("%d notes after %d minutes", n, minute)
		}
	}
	for _, c := range []struct {
		name  string
		at    time.Time
		now   map[string]uint64
		want  map[string]uint64
		since time.Time
	}{
		{"one a minute", after(3 * time.Hour), map[string]uint64{"signed_in": 185}, map[string]uint64{"signed_in": 60}, after(2 * time.Hour)},
		{"an end that is new", after(3 * time.Hour), map[string]uint64{"signed_in": 185, "busy": 2}, map[string]uint64{"signed_in": 60, "busy": 2}, after(2 * time.Hour)},
		{"none", after(3 * time.Hour), map[string]uint64{"signed_in": 125}, map[string]uint64{}, after(2 * time.Hour)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if f := r.between(c.at, c.now); !maps.Equal(f.Finished, c.want) || !f.Since.Equal(c.since) {
				t.Errorf("%+v, want %v since %s", f, c.want, c.since)
			}
		})
	}
}
