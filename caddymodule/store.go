package caddymodule

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wechat/gateway/internal/fleetredis"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/live"
	"github.com/caddy-wechat/gateway/internal/scan"
	"github.com/caddy-wechat/gateway/internal/signout"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// store is a module in the namespace wechat.stores. It opens, or joins, the
// storage of persons and sessions.
type store interface {
	// open is called once for each App instance.
	open(storeDeps) (opened, error)
	// kind is the store's word in the Caddyfile.
	kind() string
}

// waker calls the senders of the current configuration. The ledger, which calls
// it, outlives a reload.
type waker struct{ call atomic.Pointer[func()] }

func (w *waker) set(call func()) { w.call.Store(&call) }

// wake does not block: the ledger calls it while it writes.
func (w *waker) wake() {
	if call := w.call.Load(); call != nil {
		(*call)()
	}
}

// storeDeps is what a store needs to open.
type storeDeps struct {
	keys    *session.Ring
	ringKey string // identifies keys in pool keys
	policy  session.Policy
}

// sessionsKey returns the pool key of what depends on the session keys and
// times as well as on the store with this key.
func (d storeDeps) sessionsKey(store string) string {
	return fmt.Sprintf("sessions:%s:%s:%d:%d", store, d.ringKey, d.policy.Idle, d.policy.Lifetime)
}

// opened is what a store returns.
type opened struct {
	ledger      ledger.Ledger // each part gets the interface that it needs
	sessions    session.Store
	askStore    bool // see gate.Hub
	ended       func(id [16]byte) bool
	personEnded func(person string) time.Time
	live        *live.List
	// wake is called when the ledger has new events for webhooks.
	wake  *waker
	scans *scan.Board
	// tokens keeps the accounts' global access tokens for all gateways that
	// share the store.
	tokens wechat.TokenStore
	// directory is nil if sessions are sealed in cookies, which cannot be
	// listed.
	directory sessionDirectory
	// seen has those of them that this gateway has seen; nil if there is a
	// directory.
	seen   *seenSessions
	memory *site.Memory
	// ends retries failed ends of sessions until they are stored.
	ends *signout.Unfinished
	// What metrics show: ping asks whether the session store answers (nil: it
	// needs no server), persons counts the persons, and file is the ledger's
	// file ("" for none).
	ping    func(context.Context) error
	persons func(context.Context) (int, error)
	file    string
	// backup copies the ledger while it is used; nil if the store cannot.
	backup backup
	// gateways lists the gateways that share the store; nil for a local one.
	gateways *fleetredis.Gateways
	// place is where the ledger is, and identity asks for its own id: see
	// ledgerWatch.
	place    string
	identity func(context.Context) (string, error)
	// asks is how health asks the store.
	asks storeAsks
	// release releases this instance's reference; the last release closes the
	// store.
	release func() error
}

// provisionStore loads the store module.
func (a *App) provisionStore(ctx caddy.Context) error {
	if a.StoreRaw == nil {
		a.StoreRaw = json.RawMessage(`{"store":"local"}`)
	}
	mod, err := ctx.LoadModule(a, "StoreRaw")
	if err != nil {
		return fmt.Errorf("loading store module: %w", err)
	}
	s, ok := mod.(store)
	if !ok {
		return fmt.Errorf("module %T is not a store of this gateway", mod)
	}
	a.store = s
	return nil
}
