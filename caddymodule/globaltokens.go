package caddymodule

import (
	"context"
	"errors"
	"time"

	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// errNoToken reports an account without a global access token.
var errNoToken = errors.New("this app id has no global access token here")

// globalTokens are the accounts' global access tokens by app id.
type globalTokens map[string]*wechat.GlobalToken

// newGlobalTokens prepares the tokens. A token is fetched when it is first
// needed.
func (a *App) newGlobalTokens(store wechat.TokenStore) globalTokens {
	tokens := globalTokens{}
	for _, account := range a.accounts {
		if account.Kind.HasGlobalToken() {
			tokens[account.Credentials.AppID] = &wechat.GlobalToken{
				Client: a.client, Credentials: account.Credentials, Store: store, Logger: a.logger,
			}
		}
	}
	return tokens
}

// serve gives the hub the functions that need a token.
func (t globalTokens) serve(hub *site.Hub, followers func(appID string) bool) {
	hub.Phone = func(ctx context.Context, appID, code, openID string) (wechat.Phone, error) {
		if token := t[appID]; token != nil {
			return token.Phone(ctx, code, openID)
		}
		return wechat.Phone{}, errNoToken
	}
	hub.JSSDK = func(ctx context.Context, appID, page string) (wechat.JSSDK, error) {
		if token := t[appID]; token != nil {
			return token.SignJSSDK(ctx, page)
		}
		return wechat.JSSDK{}, errNoToken
	}
	hub.FollowerUnionID = func(ctx context.Context, appID, openID string) (string, error) {
		token := t[appID]
		if token == nil || !followers(appID) {
			return "", nil
		}
		began := time.Now()
		follower, err := token.Follower(ctx, openID)
		if err == nil && hub.Followers != nil {
			hub.Followers.Heard(appID, openID, follower.Subscribed, began) // one question serves both
		}
		return follower.UnionID, err
	}
}

// close ends the renewals under way.
func (t globalTokens) close() {
	for _, token := range t {
		token.Close()
	}
}

// asksFollowers reports whether the account has follower_unionid on.
func (a *App) asksFollowers(appID string) bool {
	for _, account := range a.accounts {
		if account.Credentials.AppID == appID {
			return account.followers
		}
	}
	return false
}
