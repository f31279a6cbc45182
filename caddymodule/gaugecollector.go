package caddymodule

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// gaugeCollector gives Prometheus the state of the running configuration.
type gaugeCollector struct {
	mu      sync.Mutex
	running []*probe // the newest is the last; a reload starts it before it stops the other
}

// begin makes a probe the one that is read.
func (c *gaugeCollector) begin(p *probe) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running = append(c.running, p)
}

// end forgets a probe.
func (c *gaugeCollector) end(p *probe) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running = slices.DeleteFunc(c.running, func(other *probe) bool { return other == p })
}

// newest returns the probe of the running configuration, nil for none.
func (c *gaugeCollector) newest() *probe {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.running) == 0 {
		return nil
	}
	return c.running[len(c.running)-1]
}

var (
	keyAgeDesc     = describe("session_key_age_seconds", "Age of the newest generated session key; 0 while keys are configured.")
	storeUpDesc    = describe("store_up", "Whether a store answers and takes changes.", "store")
	bytesDesc      = describe("ledger_bytes", "Size of the ledger's file.")
	personsDesc    = describe("ledger_persons", "Persons in the ledger; NaN while unknown.")
	replacedDesc   = describe("ledger_replaced_seconds", "Time since this ledger took the place of another one; 0 if it did not, or long ago.")
	runningDesc    = describe("admission_running", "Sign-ins that are running.")
	queuedDesc     = describe("admission_waiting", "Sign-ins that wait for their turn.")
	hookQueuedDesc = describe("webhook_waiting", "Events that wait for their delivery.", "webhook")
	hookDeadDesc   = describe("webhook_dead", "Events that were given up.", "webhook")
	hookOldestDesc = describe("webhook_oldest_seconds", "Age of the event that waits longest.", "webhook")
)

// Describe implements prometheus.Collector.
func (*gaugeCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{keyAgeDesc, storeUpDesc, bytesDesc, personsDesc, replacedDesc, runningDesc, queuedDesc, hookQueuedDesc, hookDeadDesc, hookOldestDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *gaugeCollector) Collect(ch chan<- prometheus.Metric) {
	p := c.newest()
	if p == nil {
		return
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	now, state := time.Now(), p.read()
	running, waiting := p.memory.Once.Load()
	gauge(runningDesc, float64(running))
	gauge(queuedDesc, float64(waiting))
	gauge(keyAgeDesc, secondsSince(p.newestKey(), now))
	gauge(bytesDesc, float64(p.bytes()))
	gauge(personsDesc, valueOf(state.persons))
	gauge(replacedDesc, secondsSince(p.replaced(), now))
	gauge(storeUpDesc, oneIf(state.sessions), storeSessions)
	gauge(storeUpDesc, oneIf(state.ledger), storeLedger)
	for i, name := range p.targets {
		gauge(hookQueuedDesc, float64(state.hooks[i].waiting), name)
		gauge(hookDeadDesc, float64(state.hooks[i].dead), name)
		gauge(hookOldestDesc, secondsSince(state.hooks[i].oldest, now), name)
	}
}

// secondsSince returns an age, 0 for the zero time and for the future.
func secondsSince(at, now time.Time) float64 {
	if at.IsZero() {
		return 0
	}
	return max(0, now.Sub(at).Seconds())
}

// valueOf returns a number, or not a number if it is unknown: 0 would look like
// a loss.
func valueOf(n *int) float64 {
	if n == nil {
		return math.NaN()
	}
	return float64(*n)
}

func oneIf(ok bool) float64 {
	if ok {
		return 1
	}
	return 0
}

var _ prometheus.Collector = (*gaugeCollector)(nil)
