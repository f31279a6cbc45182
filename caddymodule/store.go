package caddymodule

import (
	"log/slog"
	"time"

	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/internal/ledger"
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
	keys    *session.Ring
	ringKey string // names keys in the key of what holds on to them
	policy  session.Policy
	logger  *slog.Logger
}

// opened is what a store gives back.
type opened struct {
	ledger   ledger.Ledger
	sessions session.Store
	askStore bool // see gate.Hub
	ended    func(id [16]byte) bool
	// personEnded is nil where the store is asked on every request.
	personEnded func(person string) time.Time
	// directory is nil where sessions are sealed in cookies: they cannot be
	// listed.
	directory sessionDirectory
	results   *gate.Results
	// release gives up this instance's share; the last one closes.
	release func() error
}
