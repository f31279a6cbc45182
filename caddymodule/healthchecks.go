package caddymodule

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddy-wechat/gateway/internal/health"
	"github.com/caddy-wechat/gateway/internal/ledger/redisledger"
	"github.com/caddy-wechat/gateway/session"
)

// errKeys: the session keys cannot be opened. The store is opened after them.
var errKeys = errors.New("session keys")

// storeAsks is how health asks a store.
type storeAsks struct {
	sessions, ledger func(context.Context) error
	persistence      func(context.Context) health.Persistence
}

// onDisk is the persistence of a file.
func onDisk(context.Context) health.Persistence { return health.OnDisk }

// redisPersistence asks a Redis for its persistence.
func redisPersistence(l *redisledger.Ledger) func(context.Context) health.Persistence {
	return func(ctx context.Context) health.Persistence {
		switch kept, known := l.Persistence(ctx); {
		case !known:
			return health.PersistenceUnknown
		case kept:
			return health.OnDisk
		default:
			return health.InMemoryOnly
		}
	}
}

// healthChecks are the checks of one configuration.
type healthChecks struct {
	app *App
	// opening tries to open keys and store, once for all parts.
	opening *health.Monitor
}

// newMonitor returns the monitor of this configuration. What cannot be opened
// has failed; the next check tries again, as the next request does.
func (a *App) newMonitor() *health.Monitor {
	c := healthChecks{app: a, opening: health.NewMonitor(health.Check{Run: func(context.Context) error {
		_, err := a.open()
		return err
	}})}
	return health.NewMonitor(
		health.Check{Part: health.Store, Run: c.store},
		health.Check{Part: health.Keys, Run: c.keys},
		health.Check{Part: health.Ledger, Run: c.ledger},
	)
}

// open returns what is open, or why it is not.
func (c healthChecks) open() (opened, error) {
	if c.app.hub.Load() == nil {
		if report := c.opening.Ask(); !report.Ready() {
			return opened{}, report[0].Err
		}
	}
	return c.app.parts()
}

func (c healthChecks) store(ctx context.Context) error {
	o, err := c.openStore()
	if err != nil {
		return err
	}
	return o.asks.sessions(ctx)
}

func (c healthChecks) ledger(ctx context.Context) error {
	o, err := c.openStore()
	if err != nil {
		return err
	}
	return o.asks.ledger(ctx)
}

// openStore is open for a check of the store.
func (c healthChecks) openStore() (opened, error) {
	o, err := c.open()
	if errors.Is(err, errKeys) {
		return opened{}, fmt.Errorf("%w: the store is opened after the session keys", health.ErrUnknown)
	}
	return o, err
}

// keys seals a value and opens it.
func (c healthChecks) keys(context.Context) error {
	_, err := c.open()
	hub := c.app.hub.Load()
	switch {
	case errors.Is(err, errKeys), errors.Is(err, health.ErrLate):
		return err
	case hub == nil:
		return nil // the keys could be opened, the store behind them could not
	}
	sealed, err := hub.Keys.Seal("health", "", []byte{1})
	if err != nil {
		return err
	}
	_, err = hub.Keys.Open("health", "", sealed)
	return err
}

// healthDetails returns what operators read.
func (a *App) healthDetails(ctx context.Context) health.Details {
	report := a.health.Ask()
	s := health.StoreDetails{Kind: a.store.kind(), Persistence: health.PersistenceUnknown}
	if report.Ready() { // otherwise this question would only wait
		if o, err := a.parts(); err == nil {
			ctx, cancel := context.WithTimeout(ctx, session.DefaultTimeout)
			defer cancel()
			s.Persistence = o.asks.persistence(ctx)
		}
	}
	s.Replaced = a.watch.Load().replacedAt()
	return health.NewDetails(report, a.weChatHealth(), s)
}
