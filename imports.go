// Package gateway makes `xcaddy build --with github.com/caddy-wechat/gateway`
// work: importing it plugs the WeChat gateway into Caddy.
package gateway

import _ "github.com/caddy-wechat/gateway/caddymodule"
