package caddymodule

import (
	"log/slog"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wechat/gateway/internal/site"
)

// A reload does not wait for the requests of the old configuration: they
// continue while it is cleaned up. If the new configuration has the same store
// and keys, nothing changes for them. If it has others, the old ones stay open
// for a while; otherwise a visitor whose code is being exchanged would lose it.
const (
	// lingerAtLeast is for requests that the old server has accepted but not
	// started.
	lingerAtLeast = 2 * time.Second

	// lingerAtMost is for started requests. A sign-in takes 20 s at most. A
	// longer stream, such as a socket, is cut when its store, keys or session
	// times are closed, because the gateway could no longer see when its
	// session ends. Until then, and if only the account was removed, the gate
	// asks the current configuration: see succeeded.
	lingerAtMost = time.Minute

	// lingerForPushes is for message pushes that a store that is down does not
	// have yet. WeChat has been answered and does not send them again.
	lingerForPushes = time.Hour

	lingerStep = 50 * time.Millisecond
)

// replaced reports whether a reload has replaced this configuration. A server
// that stops has already waited for its requests.
func (a *App) replaced() bool {
	if caddy.Exiting() {
		return false
	}
	running, err := caddy.ActiveContext().AppIfConfigured("wechat")
	return err != nil || running != any(a)
}

// succeeded tells the gate which configuration has replaced this one.
func (a *App) succeeded() {
	hub := a.hub.Load()
	if hub == nil {
		return
	}
	var next *site.Hub
	if running, err := caddy.ActiveContext().AppIfConfigured("wechat"); err == nil {
		next = running.(*App).hub.Load()
	}
	hub.Succession.SetNext(next)
}

// linger releases what the app holds when no request and no push needs it any
// more.
func (a *App) linger(release func() error) {
	begun := time.Now()
	hub := a.hub.Load()
	for a.needed(time.Since(begun)) {
		time.Sleep(lingerStep)
		if hub != nil && a.pushes != nil {
			a.followPushKeys(hub.Keys)
		}
	}
	if err := release(); err != nil {
		a.logger.Warn("could not close the store of the replaced configuration", slog.Any("error", err))
	}
}

// needed reports whether a request or a push still needs what the app holds.
// age is the time since the app was replaced.
func (a *App) needed(age time.Duration) bool {
	switch {
	case age < lingerAtLeast:
		return true
	case caddy.Exiting():
		return false // release gives waiting pushes one last try
	case age < lingerAtMost && a.inFlight.Load() > 0:
		return true
	default:
		return age < lingerForPushes && a.pushes != nil && a.pushes.Waiting() > 0
	}
}
