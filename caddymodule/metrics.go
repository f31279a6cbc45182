package caddymodule

import (
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// The collectors of this process. They are made once and registered with each
// configuration, so that counts continue through reloads. Labels come from
// closed sets: no metric contains a person, an address or a path.
// docs/metrics.md lists them all.
var (
	auditCounts = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "wechat", Name: "audit_events_total",
		Help: "Lines of the audit log, by action and account.",
	}, []string{"action", "account"})
	pushCounts     pushCollector
	deliveryCounts deliveryCollector
	counts         countCollector
	gauges         gaugeCollector
)

// registerMetrics registers the collectors with a configuration's registry. It
// adds the rows of the configuration's accounts, so that each is there before
// something happens: an alert does not see the first failure of a row that
// begins with it.
func (a *App) registerMetrics(ctx caddy.Context) error {
	accounts := make([]wechat.Account, 0, len(a.accounts))
	for _, account := range a.accounts {
		accounts = append(accounts, account.Account)
		if account.push != nil {
			pushCounts.of(account.Name)
		}
	}
	counts.addAccounts(accounts)
	for _, action := range audit.Actions() {
		auditCounts.WithLabelValues(string(action), "")
		for _, account := range accounts {
			auditCounts.WithLabelValues(string(action), account.Name)
		}
	}
	for _, c := range []prometheus.Collector{auditCounts, &pushCounts, &deliveryCounts, &counts, &gauges} {
		if err := ctx.GetMetricsRegistry().Register(c); err != nil && !errors.As(err, new(prometheus.AlreadyRegisteredError)) {
			return fmt.Errorf("registering metrics: %w", err)
		}
	}
	return nil
}
