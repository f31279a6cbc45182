package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/eventqueue"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/profile"
	"github.com/caddy-wechat/gateway/internal/push"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/webhook"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

func init() {
	caddy.RegisterModule(new(App))
}

// App holds what all sites of this server share: the WeChat accounts, the store
// of persons and sessions, and the lifetime of a session. The `wechat_auth`
// handler protects a site.
type App struct {
	// The official accounts (公众号/服务号) that sign visitors in. The first one is
	// the default of every site. At least one is required.
	OfficialAccounts []*Account `json:"official_accounts,omitempty"`

	// The mini programs (小程序) of the same operator. Default: none.
	MiniPrograms []*Account `json:"mini_programs,omitempty"`

	// The mobile apps (移动应用). Default: none.
	MobileApps []*Account `json:"mobile_apps,omitempty"`

	// The website apps (网站应用), for desktop browsers. Default: none.
	Websites []*Account `json:"websites,omitempty"`

	// The business systems that receive events about persons, such as sign-ins,
	// declined consent and revocations. Default: none.
	Webhooks []*Webhook `json:"webhooks,omitempty"`

	// The age after which nickname and avatar are fetched again, in the
	// background, when the person visits a site. This needs WeChat's refresh
	// tokens; they are stored, encrypted, for 30 days, and only if this option
	// is set. Default: 0; profiles are not fetched again.
	ProfileMaxAge caddy.Duration `json:"profile_max_age,omitempty"`

	// The store of persons and sessions. Default: `local`, which keeps persons
	// in one file in Caddy's data directory, and sessions encrypted in the
	// visitors' cookies.
	StoreRaw json.RawMessage `json:"store,omitempty" caddy:"namespace=wechat.stores inline_key=store"`

	// How long sessions last, and the keys that protect them. Default: the
	// defaults of its fields.
	Session *Session `json:"session,omitempty"`

	// The origin, such as `https://auth.example.com`, to which WeChat sends the
	// visitors of all sites back. WeChat allows an official account only two
	// callback domains (网页授权域名). This origin must be a site with `wechat_auth`,
	// best one on which no app runs. Each site needs a known origin: from
	// `origin`, or from its address in the Caddyfile. Default: WeChat sends
	// visitors back to the site that they opened.
	CallbackOrigin string `json:"callback_origin,omitempty"`

	// The operator's name and look on the pages that visitors see. A site may
	// have its own. Default: none.
	Brand *Brand `json:"brand,omitempty"`

	// The address of WeChat's authorisation pages, or of a simulator or egress
	// proxy. Placeholders of the environment and of files are allowed. Default:
	// https://open.weixin.qq.com.
	OpenURL string `json:"open_url,omitempty"`

	// The address of WeChat's server API, or of a simulator or egress proxy.
	// The account's secret is sent there. Placeholders of the environment and
	// of files are allowed. Default: https://api.weixin.qq.com.
	APIURL string `json:"api_url,omitempty"`

	accounts []provisionedAccount
	admitted []string // app ids whose visitors some site admits
	webhooks []provisionedWebhook
	store    store
	policy   session.Policy
	keys     []string
	client   *wechat.Client
	callback *site.SharedCallback
	storage  session.KeyStorage
	logger   *slog.Logger
	audit    audit.Log
	events   *eventqueue.Queue
	ctx      caddy.Context // finds the http app, when all are provisioned

	opening sync.Mutex
	hub     atomic.Pointer[site.Hub]
	opened  opened
	keeper  *session.KeyManager
	senders atomic.Pointer[[]*webhook.Sender]
	pushes  *push.Handler
	upkeep  *profile.Refresher
	tokens  globalTokens
	probe   *probe
	stop    context.CancelFunc
	running sync.WaitGroup

	inFlight atomic.Int64   // requests that have begun; see linger
	seen     seen           // for `wechat doctor`
	outages  outage.Outages // of the gateway itself, while it cannot be opened
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "wechat", New: func() caddy.Module { return new(App) }}
}

// Provision expands secrets and prepares everything that needs no file and no
// network.
func (a *App) Provision(ctx caddy.Context) error {
	a.ctx, a.logger, a.audit = ctx, ctx.Slogger(), audit.Log{Lines: auditLogger(ctx)}
	if err := a.provisionEvents(ctx); err != nil {
		return err
	}
	a.storage = keyStorage{ctx.Storage()}
	if err := a.provisionAccounts(); err != nil {
		return err
	}
	if err := a.registerMetrics(ctx); err != nil {
		return err
	}
	if err := a.provisionWebhooks(); err != nil {
		return err
	}
	if err := a.provisionStore(ctx); err != nil {
		return err
	}
	if err := a.provisionSession(); err != nil {
		return err
	}
	if err := a.provisionHosts(); err != nil {
		return err
	}
	return a.provisionCallback()
}

// Start opens the ledger and the keys, and starts key rotation and the delivery
// of events to webhooks.
func (a *App) Start() error {
	if _, err := a.open(); err != nil {
		return err
	}
	a.warnOfSites()
	a.warnOfCallback()
	a.warnOfPages()
	ctx, cancel := context.WithCancel(context.Background())
	a.stop = cancel
	a.running.Go(func() { a.keeper.Run(ctx) })
	a.deliver(ctx, a.opened.ledger)
	a.probe = a.newProbe()
	gauges.begin(a.probe)
	a.reportGateway(ctx)
	return nil
}

// Stop ends the background work. The store stays open until Cleanup, for
// requests in flight.
func (a *App) Stop() error {
	if a.stop != nil {
		gauges.end(a.probe)
		a.probe.close()
		a.stop()
		a.running.Wait()
	}
	if a.events != nil {
		a.events.Close()
	}
	return nil
}

// Cleanup releases what this instance holds. After a reload it does so a little
// later: see linger.
func (a *App) Cleanup() error {
	a.opening.Lock()
	defer a.opening.Unlock()
	if a.client != nil {
		a.client.CloseIdle()
	}
	if a.opened.release == nil {
		return nil // nothing was acquired: nothing may be released
	}
	a.restoreTargets()
	release := a.opened.release
	a.opened.release = nil
	if a.replaced() {
		a.succeeded()
		go a.linger(release) // ends by lingerForPushes
		return nil
	}
	return release()
}

// open returns the shared parts and opens them at the first call: Caddy starts
// apps in random order, so a request may come before Start. A failure is not
// remembered; the next request tries again.
func (a *App) open() (*site.Hub, error) {
	if hub := a.hub.Load(); hub != nil {
		return hub, nil
	}
	a.opening.Lock()
	defer a.opening.Unlock()
	if hub := a.hub.Load(); hub != nil {
		return hub, nil
	}
	ring, releaseRing, err := a.openRing(context.Background())
	if err != nil {
		return nil, fmt.Errorf("session keys: %w", err)
	}
	o, err := a.store.open(storeDeps{keys: ring, ringKey: a.ringKey(), policy: a.policy})
	if err != nil {
		return nil, errors.Join(err, releaseRing())
	}
	o.ledger = &measuredLedger{Ledger: o.ledger}
	releaseStore := o.release
	o.release = func() error {
		return errors.Join(a.closeHelpers(), releaseStore(), releaseRing())
	}
	a.opened = o
	a.announceTargets(&o)
	hub := a.newHub(o, ring)
	a.openPushes(o, ring)
	a.hub.Store(hub)
	return hub, nil
}

// Interface guards.
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
