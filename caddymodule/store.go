package caddymodule

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/live"
	"github.com/caddy-wechat/gateway/internal/scan"
	"github.com/caddy-wechat/gateway/internal/signout"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// store is a module in the namespace wechat.stores: it opens, or joins, what
// keeps persons and sessions.
type store interface {
	// open is called once for each App instance that comes to life.
	open(storeDeps) (opened, error)
}

// waker calls whoever delivers now: what the ledger calls outlives a reload.
type waker struct{ call atomic.Pointer[func()] }

func (w *waker) set(call func()) { w.call.Store(&call) }

// wake never waits: the ledger calls it while it writes.
func (w *waker) wake() {
	if call := w.call.Load(); call != nil {
		(*call)()
	}
}

// storeDeps is what a store is given.
type storeDeps struct {
	keys    *session.Ring
	ringKey string // names keys in the key of what holds on to them
	policy  session.Policy
}

// sessionsKey names what depends on the session keys and times as well as on the
// store with this key.
func (d storeDeps) sessionsKey(store string) string {
	return fmt.Sprintf("sessions:%s:%s:%d:%d", store, d.ringKey, d.policy.Idle, d.policy.Lifetime)
}

// opened is what a store gives back.
type opened struct {
	ledger      ledger.Ledger // handed on as what each asks of it
	sessions    session.Store
	askStore    bool // see gate.Hub
	ended       func(id [16]byte) bool
	personEnded func(person string) time.Time
	live        *live.List
	// wake is who is called when the ledger has news for webhooks.
	wake  *waker
	scans *scan.Board
	// tokens keeps the accounts' own tokens for all who share the store.
	tokens wechat.TokenStore
	// directory is nil where sessions are sealed in cookies: they cannot be
	// listed.
	directory sessionDirectory
	memory    *site.Memory
	// ends keeps ends that failed until they are stored.
	ends *signout.Unfinished
	// release gives up this instance's share; the last one closes.
	release func() error
}
