package console

import (
	"time"

	"github.com/caddy-wechat/gateway/internal/history"
)

// hour is a line of the table that says what the charts draw.
type hour struct {
	From                   time.Time
	Started                uint64
	Ends                   [outcomeKinds]uint64
	Calls, Failed          uint64
	P50, P95               float64 // the worst five minutes of the hour
	HalfOfCalls, MostCalls string
}

// hours adds the buckets of the day up, the newest first. Hours in which
// nothing happened are left out.
func (p past) hours(d day) []hour {
	byHour := make(map[time.Time]*hour)
	for _, b := range p.Buckets {
		if _, ok := d.columnOf(b.From); !ok {
			continue
		}
		from := b.From.Local().Truncate(time.Hour)
		h := byHour[from]
		if h == nil {
			h = &hour{From: from}
			byHour[from] = h
		}
		h.add(&b)
	}
	var all []hour
	for from := d.ends.Local().Truncate(time.Hour); !from.Before(d.begins.Add(-time.Hour)); from = from.Add(-time.Hour) {
		if h := byHour[from]; h != nil && (h.Started > 0 || h.Calls > 0 || h.Ends != [outcomeKinds]uint64{}) {
			if h.Calls > 0 {
				h.HalfOfCalls, h.MostCalls = duration(h.P50), duration(h.P95)
			}
			all = append(all, *h)
		}
	}
	return all
}

// add adds a bucket.
func (h *hour) add(b *history.Bucket) {
	h.Started += b.Started
	for outcome, n := range b.Finished {
		h.Ends[kindOf(outcome)] += n
	}
	for _, n := range failed(*b) {
		h.Failed += n
	}
	if b.Latency != nil {
		h.Calls += b.Latency.Calls
		h.P50, h.P95 = max(h.P50, b.Latency.P50), max(h.P95, b.Latency.P95)
	}
}
