package gateway

import (
	_ "embed"

	"github.com/caddy-wechat/gateway/caddymodule/command"
)

// Example is Caddyfile.example: the configuration that documents every option,
// and the one that `wechat demo` runs.
//
//go:embed Caddyfile.example
var Example []byte

func init() { command.Register(Example) }
