package caddymodule

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wechat/gateway/internal/gate"
)

func init() {
	caddy.RegisterModule(new(Handler))
}

// Handler protects one site. It removes identity headers that a visitor sent,
// and adds headers with the visitor's WeChat identity. It must see every
// request of the site, so it belongs in a route without matchers, before the
// handlers that answer.
//
// For signed-in visitors it sets these placeholders:
//
// Placeholder | Description
// ------------|---------------
// `{http.auth.user.id}` | The visitor's openid
// `{http.auth.user.openid}` | The visitor's openid
// `{http.auth.user.unionid}` | The visitor's unionid, if known
// `{http.auth.user.user}` | The person's stable id in the ledger
// `{http.auth.user.app_id}` | The app id of the account that signed the visitor in
// `{http.auth.user.account}` | The name of that account
// `{http.auth.user.scope}` | `snsapi_base`, `snsapi_userinfo`, `snsapi_login`, `mini_program` or `mobile_app`
// `{http.auth.user.nickname}` | The nickname, with consent only
// `{http.auth.user.avatar}` | The avatar's address, with consent only
// `{http.auth.user.phone}` | The phone number, where `headers` has `phone`
// `{http.auth.user.snapshot}` | `1` for a read-only snapshot guest
type Handler struct {
	// The name of the official account that signs browsers in inside WeChat.
	// Default: the first one.
	Account string `json:"account,omitempty"`

	// The names of the other accounts whose visitors this site admits. Default:
	// all mini programs, mobile apps and websites of the `wechat` app.
	Accounts []string `json:"accounts,omitempty"`

	// The former name of `accounts`, still read. Default: none.
	Doors []string `json:"doors,omitempty"`

	// The site's public origin, such as `https://shop.example.com`. Needed only
	// if TLS ends in front of Caddy. Default: the request's scheme and host.
	Origin string `json:"origin,omitempty"`

	// The scope that a visitor must have: `snsapi_base` (the openid, silently)
	// or `snsapi_userinfo` (nickname and avatar too, by consent). Default:
	// `snsapi_userinfo`.
	Scope string `json:"scope,omitempty"`

	// The site's own origins, needed if `callback_origin` is set and `origin`
	// is not. Filled in by the Caddyfile adapter. Default: none.
	Origins []string `json:"origins,omitempty"`

	// Other scopes for some paths. If several rules match, `snsapi_userinfo`
	// wins. Default: none.
	Scopes []ScopeRule `json:"scopes,omitempty"`

	// How the visitor is asked for consent: `page` first shows a page of the
	// gateway that says what is collected, `redirect` goes straight to WeChat's
	// page, which WeChat's rules discourage. Default: `page`.
	Consent string `json:"consent,omitempty"`

	// What happens when a visitor declines consent: `refuse` asks again,
	// `allow` passes the visitor with the openid alone and asks again after
	// `decline_holds`. Default: `refuse`.
	WithoutConsent string `json:"without_consent,omitempty"`

	// How long `without_consent` `allow` remembers a decline, from 1m to 400d.
	// Default: 24h.
	DeclineHolds caddy.Duration `json:"decline_holds,omitempty"`

	// Paths that pass without a session. If the visitor has a session, its
	// identity is still forwarded. Default: none.
	Public *PathRule `json:"public,omitempty"`

	// Paths that pass without a session. A visitor who opens such a page in
	// WeChat is first signed in silently. Default: none.
	Optional *PathRule `json:"optional,omitempty"`

	// What visitors outside WeChat get: `qr` (a page with a QR code of the
	// address), `scan` (a page with a QR code that a phone in WeChat scans to
	// sign this browser in), `login` (WeChat's QR sign-in if the site admits a
	// website account; otherwise `scan`, or the normal sign-in if `open_url` is
	// a simulator), `pass` (passed without identity; any client can claim to be
	// outside WeChat) or `refuse` (401, with a page for browsers). Default:
	// `qr`.
	OutsideWechat string `json:"outside_wechat,omitempty"`

	// What visitors in WeChat's read-only snapshot (快照页) get: `page` (what to
	// tap) or `guest` (may read, marked, without openid). Default: `page`.
	Snapshot string `json:"snapshot,omitempty"`

	// A folder whose files replace the built-in ones: `page.html`, `style.css`,
	// `texts.json`, `<page>.svg`. It is read, and each page is rendered once,
	// when the configuration is loaded. Default: none.
	Pages string `json:"pages,omitempty"`

	// The operator's name and look on the pages of this site. It replaces the
	// `brand` of the `wechat` app as a whole. Default: that of the app.
	Brand *Brand `json:"brand,omitempty"`

	// Origins, such as `https://app.example.com`, whose pages may call the
	// endpoints for clients with a token (CORS), and open WebSockets with the
	// visitor's session. Default: none.
	CORSOrigins []string `json:"cors_origins,omitempty"`

	// Whether `GET /_wechat/check` tells other proxies the visitor's identity,
	// including the unionid: `on` or `off`. It answers only this machine, peers
	// on a Unix socket and `trusted_proxies`. If TLS ends at another proxy on
	// this machine, block the path there. Default: `off`.
	Check string `json:"check,omitempty"`

	// Whether a small page takes the fragment of an address (`#/route`) along
	// to the sign-in, so that the visitor comes back to it: `on` or `off`. The
	// fragment is then sent to the gateway. Default: `off`.
	KeepFragment string `json:"keep_fragment,omitempty"`

	// What happens to a form that is posted after its visitor's session has
	// ended: `on` (it waits in the browser's tab during the sign-in, and a tap
	// sends it), `auto` (the tap is not needed if the same person signs in) or
	// `off` (a page says that it was not sent). Only forms of the site itself
	// are kept, without files, passwords and card numbers. Default: `on`.
	PreservePost string `json:"preserve_post,omitempty"`

	// Send `X-Wechat-Assertion`, the visitor's identity as a signed token
	// (JWT), and list the public keys at `/_wechat/jwks.json`. Default: off.
	Assertion *Assertion `json:"assertion,omitempty"`

	// Other names for identity headers, by field: `user`, `openid`, `unionid`,
	// `app_id`, `account`, `scope`, `nickname`, `avatar`, `phone`, `snapshot`.
	// The value `off` drops the header. `phone` is sent only if its value is
	// `on` or a name. Default: the `X-Wechat-…` names, without `phone`.
	Headers map[string]string `json:"headers,omitempty"`

	// How headers carry nickname and avatar: `percent` (percent-encoded UTF-8,
	// RFC 3986), `base64url` (of UTF-8, without padding) or `utf8` (the bytes
	// as they are, without control characters). Default: `percent`.
	Encoding string `json:"encoding,omitempty"`

	// Whether the gateway's cookies are kept from the app: `on` or `off`. With
	// `off` the app, and everything that reads its requests, holds the
	// visitor's session. Default: `on`.
	StripCookies string `json:"strip_cookies,omitempty"`

	// The openids, unionids and persons' ids (`X-Wechat-User`) of visitors who
	// may enter this site; all others read a page. Values are as in `deny` of
	// the `wechat` app, which wins, as a ban does. Paths that are public or
	// optional pass without identity. Default: all may enter.
	Allow []string `json:"allow,omitempty"`

	// Whether followers of the site's official account may enter, too; others
	// read a page with the account's QR code. In a Caddyfile, this is the word
	// `followers`. Default: false; only the visitors of `allow`, or all.
	AllowFollowers bool `json:"allow_followers,omitempty"`

	// Whether load balancers may ask `/_wechat/health` (the process answers) and
	// `/_wechat/ready` (store, keys and ledger work): `on` or `off`. Default:
	// `on`.
	Health string `json:"health,omitempty"`

	app    *App
	site   guarded
	logger *slog.Logger
	gate   atomic.Pointer[gate.Gate]
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.wechat_auth", New: func() caddy.Module { return new(Handler) }}
}

// Provision finds the app and prepares the rules.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.logger = ctx.Slogger()
	app, err := ctx.AppIfConfigured("wechat")
	if errors.Is(err, caddy.ErrNotConfigured) {
		return fmt.Errorf("wechat_auth needs an account: add a wechat { official_account { … } } block to the global options")
	}
	if err != nil {
		return err
	}
	h.app = app.(*App)
	return h.provisionSite(ctx)
}

// Interface guards.
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
