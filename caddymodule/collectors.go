package caddymodule

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-wechat/gateway/internal/push"
	"github.com/caddy-wechat/gateway/internal/webhook"
)

var (
	pushDesc = prometheus.NewDesc("caddy_wechat_pushes_total",
		"Message pushes by WeChat's server, by account and result.", []string{"account", "result"}, nil)
	pushWaitingDesc = prometheus.NewDesc("caddy_wechat_pushes_waiting",
		"Message pushes that are not yet stored in the ledger.", []string{"account"}, nil)
	deliveryDesc = prometheus.NewDesc("caddy_wechat_webhook_deliveries_total",
		"Webhook deliveries by result: sent, failed (one attempt), buried (given up).", []string{"webhook", "result"}, nil)
)

// pushCollector keeps the counts of every account through reloads.
type pushCollector struct {
	mu        sync.Mutex
	byAccount map[string]*push.Counts
}

// of returns the counts of an account.
func (c *pushCollector) of(account string) *push.Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byAccount == nil {
		c.byAccount = map[string]*push.Counts{}
	}
	if c.byAccount[account] == nil {
		c.byAccount[account] = new(push.Counts)
	}
	return c.byAccount[account]
}

// Describe implements prometheus.Collector.
func (*pushCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- pushDesc
	ch <- pushWaitingDesc
}

// Collect implements prometheus.Collector.
func (c *pushCollector) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for account, n := range c.byAccount {
		for result, count := range pushResults(n) {
			ch <- prometheus.MustNewConstMetric(pushDesc, prometheus.CounterValue, float64(count), account, result)
		}
		ch <- prometheus.MustNewConstMetric(pushWaitingDesc, prometheus.GaugeValue, float64(n.Waiting.Load()), account)
	}
}

// deliveryCollector keeps the counts of every webhook through reloads: those of
// the running senders, and the sum of those that have ended.
type deliveryCollector struct {
	mu     sync.Mutex
	atWork map[*webhook.Sender]struct{}
	ended  map[string]webhook.Counts
}

// begin adds a running sender, end removes it and keeps its counts.
func (c *deliveryCollector) begin(s *webhook.Sender) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.atWork == nil {
		c.atWork, c.ended = map[*webhook.Sender]struct{}{}, map[string]webhook.Counts{}
	}
	c.atWork[s] = struct{}{}
}

func (c *deliveryCollector) end(s *webhook.Sender) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.atWork, s)
	c.ended[s.Target] = sum(c.ended[s.Target], s.Counts())
}

func sum(a, b webhook.Counts) webhook.Counts {
	return webhook.Counts{Sent: a.Sent + b.Sent, Failed: a.Failed + b.Failed, Buried: a.Buried + b.Buried}
}

// Describe implements prometheus.Collector.
func (*deliveryCollector) Describe(ch chan<- *prometheus.Desc) { ch <- deliveryDesc }

// Collect implements prometheus.Collector.
func (c *deliveryCollector) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[string]webhook.Counts{}
	for target, n := range c.ended {
		all[target] = n
	}
	for s := range c.atWork {
		all[s.Target] = sum(all[s.Target], s.Counts())
	}
	for target, n := range all {
		for result, count := range map[string]uint64{"sent": n.Sent, "failed": n.Failed, "buried": n.Buried} {
			ch <- prometheus.MustNewConstMetric(deliveryDesc, prometheus.CounterValue, float64(count), target, result)
		}
	}
}

var (
	_ prometheus.Collector = (*pushCollector)(nil)
	_ prometheus.Collector = (*deliveryCollector)(nil)
)
