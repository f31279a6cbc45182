package caddymodule

import (
	"context"
	"log/slog"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// keyRound is how often a gateway looks whether session keys were withdrawn.
const keyRound = 5 * time.Second

// watchPushKeys seals the journal of pushes anew whenever a key is withdrawn,
// by another gateway or by its age, until ctx ends. Then linger goes on.
func (a *App) watchPushKeys(ctx context.Context, ring *session.Ring) {
	if a.pushes == nil {
		return
	}
	a.withdrawn = ring.Withdrawn()
	a.running.Go(func() {
		ticker := time.NewTicker(keyRound)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			a.followPushKeys(ring)
		}
	})
}

// followPushKeys seals the journal anew if a key was withdrawn since it was last
// asked. One goroutine asks at a time.
func (a *App) followPushKeys(ring *session.Ring) {
	if now := ring.Withdrawn(); now != a.withdrawn {
		a.withdrawn = now
		a.resealPushes()
	}
}

// resealPushes seals the journal of pushes with the key of now.
func (a *App) resealPushes() {
	if a.pushes == nil {
		return
	}
	if n := a.pushes.Reseal(); n > 0 {
		a.logger.Info("pushes in the journal were sealed with the new session key", slog.Int("number", n))
	}
}
