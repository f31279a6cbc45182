package caddymodule

import (
	"context"
	"log/slog"
	"os"
	"strconv"
	"time"

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
				return
			case <-ticker.C:
			}
		}
	})
}

// entry is what this gateway says about itself.
func (a *App) entry() fleetredis.Gateway {
	host, _ := os.Hostname() // without one, the process id tells gateways apart
	g := fleetredis.Gateway{ID: host + "/" + strconv.Itoa(os.Getpid()), Version: Version(), Caddy: caddyVersion(), At: time.Now()}
	if keys, err := fleetredis.Fingerprints(a.keeper.Ring); err == nil {
		g.Keys = keys
	}
	return g
}
