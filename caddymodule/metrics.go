package caddymodule

import (
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// The collectors of this process. They are made once and registered with each
// configuration, so that counts continue through reloads. Labels come from
// closed sets: no metric contains a person, an address or a path.
var (
	auditCounts = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "wechat", Name: "audit_events_total",
		Help: "Lines of the audit log, by action and account.",
	}, []string{"action", "account"})
	pushCounts     pushCollector
	deliveryCounts deliveryCollector
)

// registerMetrics registers the collectors with a configuration's registry.
func registerMetrics(ctx caddy.Context) error {
	for _, c := range []prometheus.Collector{auditCounts, &pushCounts, &deliveryCounts} {
		if err := ctx.GetMetricsRegistry().Register(c); err != nil && !errors.As(err, new(prometheus.AlreadyRegisteredError)) {
			return fmt.Errorf("registering metrics: %w", err)
		}
	}
	return nil
}
