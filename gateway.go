// Package gateway is WeChat sign-in (微信网页授权) for web apps that know nothing of
// WeChat: a plugin for the web server Caddy. It stands in front of an app,
// signs visitors in with WeChat, and adds request headers such as
// X-Wechat-Openid, by which the app sees who the visitor is. The app itself
// does not change.
//
// For most uses this package is imported and never called: importing it
// registers the plugin, and the command "wechat", with the Caddy that is being
// built.
//
// # Building
//
// Caddy's build tool makes one binary of Caddy and its plugins:
//
//	xcaddy build --with github.com/caddy-wechat/gateway
//
// A clone of the repository builds the same without xcaddy:
//
//	go build ./cmd/wechat-gateway
//
// To build a Caddy of your own, import this package beside the others:
//
//	import (
//		caddycmd "github.com/caddyserver/caddy/v2/cmd"
//		_ "github.com/caddyserver/caddy/v2/modules/standard"
//
//		_ "github.com/caddy-wechat/gateway"
//	)
//
//	func main() { caddycmd.Main() }
//
// # Configuring
//
// The smallest Caddyfile names the WeChat account, which must be a verified
// service account (认证服务号), and guards one site:
//
//	{
//		wechat {
//			official_account {
//				app_id {env.WECHAT_APP_ID}
//				app_secret {env.WECHAT_APP_SECRET}
//			}
//		}
//	}
//
//	shop.example.com {
//		wechat_auth
//		reverse_proxy localhost:8080
//	}
//
// [Example] is a Caddyfile that explains every other option.
//
// # Trying it without WeChat
//
// The command "wechat demo" of the binary runs that Caddyfile in front of a
// sample shop, with a simulated WeChat. "wechat simulate" runs the simulated
// WeChat alone.
//
// # Where to read on
//
// README.md shows which headers an app gets and which options a site has.
// docs/README.md lists the documents for operators. ARCHITECTURE.md explains
// the code to those who change it, and CONTRIBUTING.md how to build and test
// it.
//
// Package session, which holds sessions, keys and the session cookie, can be
// used without the rest.
package gateway

import (
	_ "embed" // for Example

	"github.com/caddy-wechat/gateway/caddymodule" // registers the plugin
	"github.com/caddy-wechat/gateway/caddymodule/command"
)

// Example is the text of Caddyfile.example: it documents every option with its
// default, and is the configuration that the command "wechat demo" runs.
//
//go:embed Caddyfile.example
var Example []byte

func init() { command.Register(Example, caddymodule.Looks, caddymodule.Examine) }

// Version returns the version of the gateway that is built in, such as v1.2.3,
// and a name such as build-0a1b2c3d4e5f if the build does not know it.
func Version() string { return caddymodule.Version() }
