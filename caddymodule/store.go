package caddymodule

import (
	"log/slog"

	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/session"
)

// store is a module in the namespace wechat.stores: it opens, or joins, what
// keeps persons and sessions.
type store interface {
	// open is called once for each App instance that comes to life.
	open(storeDeps) (opened, error)
}

// storeDeps is what a store is given.
type storeDeps struct {
	keys   *session.Ring
	policy session.Policy
	logger *slog.Logger
}

// opened is what a store gives back.
type opened struct {
	ledger   gate.Ledger
	sessions session.Store
	ended    func(id [16]byte) bool
	results  *gate.Results
	// release gives up this instance's share; the last one closes.
	release func() error
}
