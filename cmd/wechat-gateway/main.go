// Command wechat-gateway is Caddy with the WeChat gateway built in, and the
// commands `wechat demo` and `wechat simulate`.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-wechat/gateway/caddymodule"
)

func main() { caddycmd.Main() }
