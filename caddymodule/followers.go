package caddymodule

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/caddy-wechat/gateway/internal/follow"
	"github.com/caddy-wechat/gateway/internal/page"
)

// provisionFollowers notes that followers of the site's official account are
// asked for.
func (h *Handler) provisionFollowers() {
	account := h.site.account
	if h.app.admitsFollowers(account.Credentials.AppID) {
		return // another site has noted it
	}
	h.app.followed = append(h.app.followed, account.Credentials.AppID)
	for _, known := range h.app.accounts {
		if known.Credentials.AppID == account.Credentials.AppID && known.push == nil {
			h.logger.Warn("allow followers: without push_token, WeChat does not tell who follows and unfollows, and an unfollow is noticed after five minutes", slog.String("account", account.Name))
		}
	}
}

// newFollowers returns what answers who follows an account, nil if no site
// admits followers only.
func (a *App) newFollowers(o opened) *follow.Followers {
	if len(a.followed) == 0 {
		return nil
	}
	return &follow.Followers{Ask: a.tokens.follows, Ledger: o.ledger, Memory: &o.memory.Followers}
}

// follows asks WeChat whether a person follows an account.
func (t globalTokens) follows(ctx context.Context, appID, openID string) (bool, error) {
	token := t[appID]
	if token == nil {
		return false, errNoToken
	}
	follower, err := token.Follower(ctx, openID)
	if err != nil {
		return false, fmt.Errorf("asking who follows: %w", err)
	}
	return follower.Subscribed, nil
}

// admitsFollowers reports whether a site admits the followers of this account.
func (a *App) admitsFollowers(appID string) bool { return slices.Contains(a.followed, appID) }

// followCode returns the QR code by which persons follow an account: the
// operator's picture, or one that WeChat makes.
func (a *App) followCode(ctx context.Context, appID string) (page.Code, error) {
	for _, account := range a.accounts {
		if account.Credentials.AppID == appID && !account.qr.IsZero() {
			return account.qr, nil
		}
	}
	token := a.tokens[appID]
	if token == nil {
		return page.Code{}, errNoToken
	}
	address, err := token.FollowCode(ctx)
	if err != nil {
		return page.Code{}, fmt.Errorf("asking for a QR code: %w", err)
	}
	return page.DrawCode(address), nil
}
