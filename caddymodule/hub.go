package caddymodule

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/caddy-wechat/gateway/internal/assertion"
	"github.com/caddy-wechat/gateway/internal/profile"
	"github.com/caddy-wechat/gateway/internal/push"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/session"
)

// wechatOpenURL is where WeChat's own pages are.
const wechatOpenURL = "https://open.weixin.qq.com"

// newHub assembles what all sites share.
func (a *App) newHub(o opened, ring *session.Ring) *site.Hub {
	hub := &site.Hub{
		WeChat:        a.client,
		Ledger:        o.ledger,
		Store:         o.sessions,
		StoreHasCache: o.askStore,
		Ended:         o.ended,
		PersonEnded:   o.personEnded,
		Banned:        o.ledger.Banned,
		Deny:          a.deny,
		EndUnsaved:    o.ledger.Unwritten,
		Unfinished:    o.ends,
		Policy:        a.policy,
		Keys:          ring,
		Assertions:    &assertion.Signer{Ring: ring},
		Memory:        o.memory,
		Scans:         o.scans,
		RealWeChat:    a.client.OpenURL == "" || a.client.OpenURL == wechatOpenURL,
		Live:          o.live,
		Admits:        func(appID string) bool { return slices.Contains(a.admitted, appID) },
		Succession:    new(site.Succession),
		Counts:        &counts.sites,
		TraceSignIn:   traceSignIn,

		SharedCallback: a.callback,
	}
	if age := time.Duration(a.ProfileMaxAge); age > 0 {
		a.upkeep = &profile.Refresher{WeChat: a.client, Ledger: o.ledger, Keys: ring, MaxAge: age, Logger: a.logger, Audit: a.audit}
		hub.KeepGrants, hub.QueueProfileRefresh, hub.ProfileMaxAge = a.upkeep.Keep, a.upkeep.Stale, age
	}
	a.tokens = a.newGlobalTokens(o.tokens)
	hub.Followers, hub.FollowCode = a.newFollowers(o), a.followCode
	a.tokens.serve(hub, a.asksFollowers)
	return hub
}

// closeHelpers ends the background work on the ledger before the ledger is
// released.
func (a *App) closeHelpers() error {
	var errs []error
	if a.pushes != nil {
		ctx, cancel := context.WithTimeout(context.Background(), pushPatience)
		defer cancel()
		if err := a.pushes.Close(ctx); err != nil && !errors.Is(err, push.ErrLost) { // lost pushes are in the log
			errs = append(errs, err)
		}
	}
	if a.upkeep != nil {
		errs = append(errs, a.upkeep.Close())
	}
	a.tokens.close()
	return errors.Join(errs...)
}
