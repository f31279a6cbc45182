// Package command is the command `wechat` of a Caddy with the gateway built in.
// `persons`, `sessions` and `ledger` ask a running server through its admin
// endpoint (package caddymodule, file admin.go); `demo` and `simulate` run
// everything on loopback, without WeChat; `pages` is for those who change what
// visitors see.
//
// It may import Caddy, internal/audit, internal/doctor, internal/page and
// internal/wechattest. It does not import caddymodule: the package that
// registers the command plugs in the modules, too.
package command
