package caddymodule

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddy-wechat/gateway/internal/site"
)

// Start opens the ledger and the keys, and starts key rotation and the delivery
// of events to webhooks.
func (a *App) Start() error {
	if _, err := a.open(); err != nil {
		return err
	}
	if err := a.joinHistory(); err != nil {
		return err
	}
	a.warnOfSites()
	a.warnOfCallback()
	a.warnOfPages()
	ctx, cancel := context.WithCancel(context.Background())
	a.stop = cancel
	a.running.Go(func() { a.keeper.Run(ctx) })
	a.deliver(ctx, a.opened.ledger)
	a.probe = a.newProbe()
	gauges.begin(a.probe)
	a.reportGateway(ctx)
	a.watchLedger(ctx)
	a.watchPushKeys(ctx, a.hub.Load().Keys)
	return nil
}

// Stop ends the background work. The store stays open until Cleanup, for
// requests in flight.
func (a *App) Stop() (err error) {
	if a.stop != nil {
		err = a.leaveHistory()
		gauges.end(a.probe)
		a.probe.close()
		a.stop()
		a.running.Wait()
	}
	if a.events != nil {
		a.events.Close()
	}
	return err
}

// Cleanup releases what this instance holds. After a reload it does so a little
// later: see linger.
func (a *App) Cleanup() error {
	a.opening.Lock()
	defer a.opening.Unlock()
	a.over = true
	if a.client != nil {
		a.client.CloseIdle()
	}
	if a.opened.release == nil {
		return nil // nothing was acquired: nothing may be released
	}
	a.restoreTargets()
	release := a.opened.release
	a.opened.release = nil
	if a.replaced() {
		a.succeeded()
		go a.linger(release) // ends by lingerForPushes
		return nil
	}
	return release()
}

// errOver: a configuration that was never opened has been cleaned up.
var errOver = errors.New("this configuration has ended")

// open returns the shared parts and opens them at the first call: Caddy starts
// apps in random order, so a request may come before Start. A failure is not
// remembered; the next request tries again.
func (a *App) open() (*site.Hub, error) {
	if hub := a.hub.Load(); hub != nil {
		return hub, nil
	}
	a.opening.Lock()
	defer a.opening.Unlock()
	if hub := a.hub.Load(); hub != nil {
		return hub, nil
	}
	if a.over { // a check of health or a request comes late, and nobody would release what it opens
		return nil, errOver
	}
	ring, releaseRing, err := a.openRing(context.Background())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errKeys, err)
	}
	o, err := a.store.open(storeDeps{keys: ring, ringKey: a.ringKey(), policy: a.policy})
	if err != nil {
		return nil, errors.Join(err, releaseRing())
	}
	o.ledger = &measuredLedger{Ledger: o.ledger}
	releaseStore := o.release
	o.release = func() error {
		return errors.Join(a.closeHelpers(), releaseStore(), releaseRing())
	}
	a.opened = o
	a.announceTargets(&o)
	hub := a.newHub(o, ring)
	a.openPushes(o, ring)
	a.hub.Store(hub)
	return hub, nil
}
