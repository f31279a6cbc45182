package caddymodule

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-wechat/gateway/internal/counters"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// countCollector holds what this process counts, and gives it to Prometheus.
// The zero value is ready. A scrape reads memory only.
type countCollector struct {
	sites   site.Counts
	refused counters.Counter // sign-ins without a turn

	apiCalls    counters.Table[counters.Counter]   // by account, endpoint and errcode
	apiTimes    counters.Table[counters.Durations] // by endpoint
	storeTimes  counters.Table[counters.Durations] // by store and call
	storeErrors counters.Table[counters.Counter]   // by store and call
	cache       counters.Table[counters.Counter]   // by result
}

// addAccounts adds the rows of a configuration's accounts, and those without an
// account.
func (c *countCollector) addAccounts(accounts []wechat.Account) {
	c.sites.AddAccounts(accounts)
	for _, a := range accounts {
		c.apiCalls.Add([]string{a.Name}, a.Kind.Endpoints(), wechat.Results())
	}
	for _, kind := range wechat.AccountKinds() {
		c.apiTimes.Add(kind.Endpoints())
	}
	for store, calls := range storeCalls {
		c.storeTimes.Add([]string{store}, calls)
		c.storeErrors.Add([]string{store}, calls)
	}
	c.cache.Add([]string{string(session.CacheHit), string(session.CacheMiss), string(session.CacheStale)})
}

// describe makes the description of a metric.
func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("caddy_wechat_"+name, help, labels, nil)
}

var (
	decisionDesc = describe("requests_total", "Requests by what the gateway did.", "decision")
	refusedDesc  = describe("admission_refused_total", "Sign-ins that got no turn.")
)

// counterTables are the counters that are kept in tables.
var counterTables = []struct {
	desc  *prometheus.Desc
	table *counters.Table[counters.Counter]
}{
	{describe("sign_ins_started_total", "Sign-ins that began.", "account", "way"), &counts.sites.SignIns.Begun},
	{describe("sign_ins_finished_total", "Sign-ins that ended, and how.", "account", "way", "outcome"), &counts.sites.SignIns.Ended},
	{describe("step_ups_total", "Steps of signed-in visitors to consent.", "account", "step"), &counts.sites.SignIns.StepUps},
	{describe("sessions_made_total", "New sessions.", "account"), &counts.sites.SignIns.Sessions},
	{describe("sessions_renewed_total", "Sessions with a new lifetime.", "account"), &counts.sites.Renewed},
	{describe("sessions_ended_total", "Sessions that ended before their time.", "reason"), &counts.sites.Ended},
	{describe("session_cache_requests_total", "Looks into the memory of sessions.", "result"), &counts.cache},
	{describe("api_calls_total", "Requests to WeChat's API.", "account", "endpoint", "errcode"), &counts.apiCalls},
	{describe("store_errors_total", "Calls that a store did not carry out.", "store", "call"), &counts.storeErrors},
}

// durationTables are the histograms.
var durationTables = []struct {
	desc  *prometheus.Desc
	table *counters.Table[counters.Durations]
}{
	{describe("api_call_duration_seconds", "Durations of requests to WeChat's API.", "endpoint"), &counts.apiTimes},
	{describe("store_call_duration_seconds", "Durations of calls of a store.", "store", "call"), &counts.storeTimes},
}

// Describe implements prometheus.Collector.
func (*countCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- decisionDesc
	ch <- refusedDesc
	for _, t := range counterTables {
		ch <- t.desc
	}
	for _, t := range durationTables {
		ch <- t.desc
	}
}

// Collect implements prometheus.Collector.
func (c *countCollector) Collect(ch chan<- prometheus.Metric) {
	c.sites.EachDecision(func(decision string, n uint64) {
		ch <- prometheus.MustNewConstMetric(decisionDesc, prometheus.CounterValue, float64(n), decision)
	})
	ch <- prometheus.MustNewConstMetric(refusedDesc, prometheus.CounterValue, float64(c.refused.Load()))
	for _, t := range counterTables {
		t.table.Each(func(values []string, n *counters.Counter) {
			ch <- prometheus.MustNewConstMetric(t.desc, prometheus.CounterValue, float64(n.Load()), values...)
		})
	}
	for _, t := range durationTables {
		t.table.Each(func(values []string, d *counters.Durations) {
			sums := d.Read()
			ch <- prometheus.MustNewConstHistogram(t.desc, sums.Count, sums.Seconds, sums.UpTo, values...)
		})
	}
}

var _ prometheus.Collector = (*countCollector)(nil)
