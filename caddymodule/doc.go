// Package caddymodule plugs the gateway into Caddy: the app "wechat" (accounts,
// store, session), the handler "wechat_auth" (one guarded site) and the request
// matcher "wechat_browser". Together with cmd and test it is the only room that
// imports Caddy; what it decides, it asks of internal/gate.
//
// Lifecycle. Provision expands secrets and checks the configuration, and opens
// nothing: it also runs for "caddy validate", beside a live server. What costs
// files or network is opened in Start, or by the first request that comes
// before it, through a caddy.UsagePool keyed by the resource, so that a reload
// hands it over. Cleanup gives up the reference and changes nothing else: after
// a reload, requests in flight still run on the old instance.
package caddymodule
