// Package caddymodule plugs the gateway into Caddy: the app "wechat" (accounts,
// store, session), the handler "wechat_auth" (one guarded site) and the request
// matcher "wechat_browser". Beside its commands, cmd and test no room imports
// Caddy. Decisions about requests are made in internal/gate.
//
// Lifecycle. Provision expands secrets and checks the configuration, and opens
// nothing: it also runs for "caddy validate", beside a live server. Start, or a
// request that comes before it, opens files and network connections. They are
// kept in a caddy.UsagePool keyed by the resource, so that the next
// configuration takes them over. Cleanup releases the reference and changes
// nothing else: after a reload, requests in flight still run on the old
// instance.
package caddymodule
