package caddymodule

import (
	"log/slog"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wechat/gateway/internal/site"
)

// A reload does not wait for the requests that the old configuration has begun:
// they go on while it is cleaned up. Where the new configuration has the same
// store and keys, they do not notice. Where it has others, the old ones stay open
// for them; else somebody whose code is just being spent would lose it.
const (
	// lingerAtLeast is for requests that the old server has accepted and not begun.
	lingerAtLeast = 2 * time.Second

	// lingerAtMost is for those that have begun. A sign-in takes 20 s at most. What
	// streams for longer, such as a socket, is cut when its store closes, or the
	// keys and times that let it in have gone: nobody could tell any more when its
	// session ends. Before that, and where only the account has gone, the gate asks
	// the configuration of now: see succeeded.
	lingerAtMost = time.Minute

	// lingerForPushes is for what WeChat has told and a store that is down does
	// not have yet. WeChat has had its answer and will not tell it again.
	lingerForPushes = time.Hour

	lingerStep = 50 * time.Millisecond
)

// replaced says whether a reload has put another configuration in our place. A
// server that stops has waited for its requests, and nothing may come later.
func (a *App) replaced() bool {
	if caddy.Exiting() {
		return false
	}
	running, err := caddy.ActiveContext().AppIfConfigured("wechat")
	return err != nil || running != any(a)
}

// succeeded tells the gate which configuration has taken our place.
func (a *App) succeeded() {
	hub := a.hub.Load()
	if hub == nil {
		return
	}
	var next *site.Hub
	if running, err := caddy.ActiveContext().AppIfConfigured("wechat"); err == nil {
		next = running.(*App).hub.Load()
	}
	hub.Succession.Pass(next)
}

// linger lets go of what the app holds when nobody needs it any more.
func (a *App) linger(release func() error) {
	begun := time.Now()
	for a.needed(time.Since(begun)) {
		time.Sleep(lingerStep)
	}
	if err := release(); err != nil {
		a.logger.Warn("closing what a reload has replaced", slog.Any("error", err))
	}
}

// needed says whether somebody needs what the app holds, so long after it was
// replaced.
func (a *App) needed(age time.Duration) bool {
	switch {
	case age < lingerAtLeast:
		return true
	case caddy.Exiting():
		return false // the pushes get their last try
	case age < lingerAtMost && a.inFlight.Load() > 0:
		return true
	default:
		return age < lingerForPushes && a.pushes != nil && a.pushes.Waiting() > 0
	}
}
