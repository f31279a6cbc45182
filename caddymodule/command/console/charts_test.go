package console

import (
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/history"
	"github.com/caddy-wechat/gateway/internal/signin"
)

// Every end of a sign-in has a place in the chart that was chosen for it.
func TestOutcomesHaveAKind(t *testing.T) {
	t.Parallel()
	for _, finish := range signin.Finishes() {
		if _, ok := outcomes[string(finish)]; !ok {
			t.Errorf("%s is in no colour of the chart", finish)
		}
	}
}

// A scale ends at a round number above the highest one, with a round half.
func TestScale(t *testing.T) {
	t.Parallel()
	for most, want := range map[float64]string{0: "4", 3: "4", 4: "4", 5: "6", 9: "10", 11: "12", 24: "30", 31: "40", 208: "300", 1201: "1\u202f600", 99_999: "100\u202f000"} {
		if s := newScale(most, whole); s.Top != want || s.y(0) != chartHeight || s.y(s.top) != 0 {
			t.Errorf("up to %v: %+v, want %s", most, s, want)
		}
	}
}

// A bucket is drawn in the quarter of an hour in which it begins, and nothing
// of yesterday is.
func TestColumns(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 4, 2, 10, 7, 0, 0, time.UTC)
	d := dayUntil(now, now.Add(-48*time.Hour))
	for at, want := range map[string]int{"2026-04-02T10:00:00Z": columns - 1, "2026-04-02T10:14:59Z": columns - 1, "2026-04-02T09:59:00Z": columns - 2, "2026-04-01T10:15:00Z": 0, "2026-04-01T10:14:00Z": -1, "2026-04-02T10:15:00Z": -1} {
		from, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		i, ok := d.columnOf(from)
		if !ok {
			i = -1
		}
		if i != want {
			t.Errorf("%s is in column %d, want %d", at, i, want)
		}
	}
	p := past{Since: now.Add(-48 * time.Hour), Step: 300, Buckets: []history.Bucket{
		{From: now.Truncate(5 * time.Minute), Started: 3, Finished: map[string]uint64{"signed_in": 1, "declined": 2, "a newer word": 4}, Errcodes: map[string]uint64{"0": 9, "40163": 1}, Latency: &history.Latency{Calls: 10, P50: 50, P95: 100}},
		{From: now.Add(-25 * time.Hour), Started: 5, Finished: map[string]uint64{"signed_in": 5}},
	}}
	c := p.signIns(d)
	if len(c.Columns) != 1 || len(c.Columns[0].Parts) != 3 || c.Series[0].Total != "1" || c.Series[1].Total != "2" || c.Series[2].Total != "4" || c.Empty || c.Unknown != "" {
		t.Errorf("%+v", c)
	}
	hours := p.hours(d)
	if len(hours) != 1 || hours[0].Started != 3 || hours[0].Ends != [outcomeKinds]uint64{1, 2, 4} || hours[0].Calls != 10 || hours[0].Failed != 1 || hours[0].MostCalls != "100 ms" {
		t.Errorf("%+v", hours)
	}
}
