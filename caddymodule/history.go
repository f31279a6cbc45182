package caddymodule

import (
	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wechat/gateway/internal/counters"
	"github.com/caddy-wechat/gateway/internal/history"
)

// pooledHistory is the history of this process for as long as a configuration
// with a wechat app runs: a reload hands it on.
type pooledHistory struct{ *history.Ring }

// Destruct ends the history.
func (h pooledHistory) Destruct() error { return h.Close() }

const historyKey = "history"

// joinHistory begins the history, or joins that of the configuration before.
func (a *App) joinHistory() error {
	value, _, err := pool.LoadOrNew(historyKey, func() (caddy.Destructor, error) {
		return pooledHistory{history.New(counts.totals)}, nil
	})
	if err != nil {
		return err
	}
	a.history = value.(pooledHistory).Ring
	return nil
}

// leaveHistory releases the history.
func (a *App) leaveHistory() error {
	_, err := pool.Delete(historyKey)
	return err
}

// totals returns what this process has counted, for its history.
func (c *countCollector) totals() history.Totals {
	t := history.Totals{
		Finished: make(map[string]uint64), Errcodes: make(map[string]uint64),
		Calls: counters.Sums{UpTo: make(map[float64]uint64, len(counters.Bounds))},
	}
	c.sites.SignIns.Begun.Each(func(_ []string, n *counters.Counter) { t.Started += n.Load() })
	c.sites.SignIns.Ended.Each(func(labels []string, n *counters.Counter) { t.Finished[labels[2]] += n.Load() })
	c.apiCalls.Each(func(labels []string, n *counters.Counter) { t.Errcodes[labels[2]] += n.Load() })
	c.apiTimes.Each(func(_ []string, d *counters.Durations) {
		one := d.Read()
		t.Calls.Count += one.Count
		t.Calls.Seconds += one.Seconds
		for bound, n := range one.UpTo {
			t.Calls.UpTo[bound] += n
		}
	})
	return t
}
