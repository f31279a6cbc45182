// Command wechat-gateway is Caddy with the WeChat gateway and its commands
// (`wechat-gateway wechat`) built in.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-wechat/gateway"
)

func main() { caddycmd.Main() }
