package caddymodule

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/gate"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/site"
)

func init() {
	caddy.RegisterModule(new(Handler))
}

// Handler guards one site: whatever reaches the handlers behind it carries the
// WeChat identity of its visitor in request headers, and never a visitor's own
// claim. It must see every request of the site, so it stands in a route without
// matchers, before the handlers that answer.
//
// For signed-in visitors it sets these placeholders:
//
// Placeholder | Description
// ------------|---------------
// `{http.auth.user.id}` | The visitor's openid
// `{http.auth.user.openid}` | The same
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

	// The other accounts whose visitors this site admits, by name: mini programs,
	// mobile apps, a website app. Default: all of the wechat app.
	Accounts []string `json:"accounts,omitempty"`

	// The former name of `accounts`, still read. Default: none.
	Doors []string `json:"doors,omitempty"`

	// The public origin of the site, such as `https://shop.example.com`. Needed
	// only where Caddy cannot know it, because TLS ends before it. Default: the
	// request's own scheme and host.
	Origin string `json:"origin,omitempty"`

	// What a visitor must have given: `snsapi_base` (the openid, silently) or
	// `snsapi_userinfo` (nickname and avatar too, by consent).
	// Default: `snsapi_userinfo`.
	Scope string `json:"scope,omitempty"`

	// The origins by which the site's addresses in the Caddyfile call it, where
	// `callback_origin` is set and `origin` is not. Default: none.
	Origins []string `json:"origins,omitempty"`

	// Scopes that differ on some paths. Where several match, snsapi_userinfo wins.
	Scopes []ScopeRule `json:"scopes,omitempty"`

	// How consent is asked: `page` shows a page of ours that says what is
	// collected, `redirect` goes to WeChat's at once, which WeChat's rules
	// discourage. Default: `page`.
	Consent string `json:"consent,omitempty"`

	// What happens to visitors who decline consent: `refuse` asks again, `allow`
	// lets them pass with the openid alone and asks again after `decline_holds`.
	// Default: `refuse`.
	WithoutConsent string `json:"without_consent,omitempty"`

	// How long a decline is remembered, where `without_consent` is `allow`, before
	// the site asks again. Default: 24h.
	DeclineHolds caddy.Duration `json:"decline_holds,omitempty"`

	// Paths that pass without a session. A session that is there is still
	// forwarded. Default: none.
	Public *PathRule `json:"public,omitempty"`

	// Paths that pass without a session, but where a visitor who opens a page
	// in WeChat is signed in silently first. Default: none.
	Optional *PathRule `json:"optional,omitempty"`

	// What visitors outside WeChat get: `qr` (a page with a QR code of the
	// address), `scan` (a page with a QR code by which a phone in WeChat signs this
	// browser in), `login` (WeChat's QR sign-in where the site admits a website
	// account; else `scan`, or the dance anyway where `open_url` is a simulator),
	// `pass` (through, without identity: anybody can claim to be outside WeChat) or
	// `refuse` (401, with a page for browsers). Default: `qr`.
	OutsideWechat string `json:"outside_wechat,omitempty"`

	// What visitors of WeChat's read-only snapshot (快照页) get: `page` (what to
	// tap) or `guest` (through for reading, marked, without identifiers).
	// Default: `page`.
	Snapshot string `json:"snapshot,omitempty"`

	// A folder whose files lie over those of the built-in pages: `page.html`,
	// `style.css`, `texts.json`, `<page>.svg`. It is read when the configuration is
	// loaded, and each page is drawn once: a mistake is found then. Default: none.
	Pages string `json:"pages,omitempty"`

	// The origins, such as `https://app.example.com`, whose pages may use the
	// endpoints for clients that hold a token instead of a cookie. Default: none.
	CORSOrigins []string `json:"cors_origins,omitempty"`

	// Whether `GET /_wechat/check` tells other proxies who a visitor is, the unionid
	// among it: `on` or `off`. It answers only this machine, peers on a Unix socket
	// and `trusted_proxies`; where TLS ends on this machine, pages come from there
	// too, so keep them away from it there. Default: `off`.
	Check string `json:"check,omitempty"`

	// Other names for identity headers, by field: `user`, `openid`, `unionid`,
	// `app_id`, `account`, `scope`, `nickname`, `avatar`, `phone`, `snapshot`. The
	// value `off` drops the header. `phone` is sent only where it is `on`, or has a
	// name. Default: the `X-Wechat-…` names.
	Headers map[string]string `json:"headers,omitempty"`

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

// ServeHTTP scrubs, then decides, then forwards.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	// First of all, on every path and method: nothing that a visitor says about
	// identity goes any further (attack: GHSA-7r4p-vjf4-gxv4, deletion must be
	// unconditional).
	h.site.scrub.Request(r)
	h.app.inFlight.Add(1)
	defer h.app.inFlight.Add(-1)
	original := originalURL(r)
	if content, ok := h.app.verifyFile(original.Path); ok {
		return serveVerifyFile(w, r, content)
	}
	endpoint := gate.IsEndpoint(original)
	if strings.HasPrefix(original.Path, pushPrefix) {
		return h.app.servePush(w, r, original.Path)
	}
	if endpoint && r.TLS != nil && !r.TLS.HandshakeComplete {
		// 0-RTT can be replayed by anybody on the way; a code must not be.
		stripCredentials(r)
		return caddyhttp.Error(http.StatusTooEarly, errors.New("sign-in waits for the end of the TLS handshake"))
	}
	g, err := h.gated()
	if err != nil {
		h.app.outages.Failed(h.logger, notReady, outage.Failure{Level: slog.LevelError, Effect: "gateway is not ready", Err: err})
		w.Header().Set("Retry-After", "5")
		stripCredentials(r) // an error route may lead to an upstream
		return caddyhttp.Error(http.StatusServiceUnavailable, errNotReady)
	}
	h.app.outages.Worked(h.logger, notReady)
	request := &site.Request{Request: r, Original: original, Access: h.site.access(r, original), Need: h.site.need(r, original), ClientIP: clientIP(r), FromProxy: fromProxy(r), Trusted: trusted(r)}
	if endpoint {
		g.ServeEndpoint(w, request)
		return nil
	}
	id, pass := g.Serve(w, request)
	if !pass {
		return nil // answered: nothing may follow (attack: GHSA-59jp-rwph-878r)
	}
	if id != nil {
		id.Apply(r.Header)
		setPlaceholders(r, id)
	}
	cookies.Strip(r)
	forwarded := g.Watch(w, request)
	defer request.Done()
	return next.ServeHTTP(newReply(forwarded.Context(), w, g, request), forwarded)
}

// stripCredentials takes everything of ours out of a request that the gate is not
// asked about.
func stripCredentials(r *http.Request) {
	cookies.Strip(r)
	site.StripToken(r)
}

// notReady is the gateway whose stores or keys cannot be opened yet.
var notReady = outage.Down{What: "gateway"}

// errNotReady is what an error route is told.
var errNotReady = errors.New("sign-in is not ready yet")

// gated returns the gate, made when the app's shared parts are open.
func (h *Handler) gated() (*gate.Gate, error) {
	if g := h.gate.Load(); g != nil {
		return g, nil
	}
	hub, err := h.app.open()
	if err != nil {
		return nil, err
	}
	h.gate.CompareAndSwap(nil, &gate.Gate{Site: site.Site{
		Hub: hub, Account: h.site.account, Others: h.site.others, Origin: h.site.origin, Rules: h.site.rules, Logger: h.logger, Audit: h.app.audit,
	}})
	return h.gate.Load(), nil
}

func serveVerifyFile(w http.ResponseWriter, r *http.Request, content string) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		return caddyhttp.Error(http.StatusMethodNotAllowed, errors.New("verify files are read only"))
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodGet {
		_, err := w.Write([]byte(content))
		return err
	}
	return nil
}

// Interface guards.
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
