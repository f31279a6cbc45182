package caddymodule

import (
	"context"
	"time"

	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// observeWeChat counts, times and traces a request to WeChat's API. The account
// is one of the configuration, or has no row.
func (a *App) observeWeChat(ctx context.Context, r wechat.Request) (context.Context, func(result string)) {
	account, begun := a.accountName(r.AppID), time.Now()
	ctx, traced := startCall(ctx, account, r.Endpoint)
	return ctx, func(result string) {
		counts.apiTimes.Of(r.Endpoint).Observe(time.Since(begun))
		counts.apiCalls.Of(account, r.Endpoint, result).Inc()
		traced.end(attributeErrcode, result, result != "0")
	}
}

// traceSignIn traces one sign-in.
func traceSignIn(ctx context.Context, account string, way signin.Way) (context.Context, func(signin.Finish)) {
	ctx, traced := startSignIn(ctx, account, way)
	return ctx, func(how signin.Finish) {
		failed := how == signin.WeChatError || how == signin.WeChatUnavailable || how == signin.StoreUnavailable || how == signin.Busy || how == signin.InternalError
		traced.end(attributeOutcome, string(how), failed)
	}
}
