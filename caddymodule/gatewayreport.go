package caddymodule

import (
	"context"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wechat/gateway/internal/fleetredis"
)

// reportRound is how often a gateway writes its entry in Redis.
const reportRound = time.Minute

// reportGateway lists this gateway in Redis until ctx ends, for `wechat
// doctor`, which compares the gateways of a fleet. With a local store there is
// nothing to list.
func (a *App) reportGateway(ctx context.Context) {
	if a.opened.gateways == nil {
		return
	}
	a.running.Go(func() {
		ticker := time.NewTicker(reportRound)
		defer ticker.Stop()
		for {
			if err := a.opened.gateways.Report(ctx, a.entry()); err != nil && ctx.Err() == nil {
				// No sign-in needs it, and the log has a line about a Redis
				// that is down.
				a.logger.Debug("this gateway is not listed in Redis", slog.Any("error", err))
			}
			select {
			case <-ctx.Done():
				a.unlistGateway()
				return
			case <-ticker.C:
			}
		}
	})
}

// unlistGateway removes the entry of a gateway that stops, so that the doctor
// does not compare the others with it. After a reload the entry is that of the
// new configuration.
func (a *App) unlistGateway() {
	if running, err := caddy.ActiveContext().AppIfConfigured("wechat"); err == nil && running != any(a) {
		return
	}
	if err := a.opened.gateways.Remove(context.Background(), gatewayID()); err != nil {
		a.logger.Debug("this gateway stays listed in Redis for some minutes", slog.Any("error", err))
	}
}

// gatewayID names this gateway among those on one Redis.
func gatewayID() string {
	host, _ := os.Hostname() // without one, the process id tells gateways apart
	return host + "/" + strconv.Itoa(os.Getpid())
}

// entry is what this gateway says about itself.
func (a *App) entry() fleetredis.Gateway {
	g := fleetredis.Gateway{ID: gatewayID(), Version: Version(), Caddy: caddyVersion(), At: time.Now()}
	if keys, err := fleetredis.Fingerprints(a.keeper.Ring); err == nil {
		g.Keys = keys
	}
	return g
}
