package caddymodule

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/eventqueue"
	"github.com/caddy-wechat/gateway/internal/health"
	"github.com/caddy-wechat/gateway/internal/history"
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
	// is set. Default: profiles are not fetched again.
	ProfileMaxAge caddy.Duration `json:"profile_max_age,omitempty"`

	// The store of persons and sessions: `local`, for one gateway, or `redis`,
	// for several. Default: `local`, which keeps persons in one file in Caddy's
	// data directory, and sessions encrypted in the visitors' cookies.
	StoreRaw json.RawMessage `json:"store,omitempty" caddy:"namespace=wechat.stores inline_key=store"`

	// How long sessions last, and the keys that protect them. Default: 7d
	// without a visit, 30d in all, and keys that the gateway makes and rotates.
	Session *Session `json:"session,omitempty"`

	// The origin, such as `https://auth.example.com`, to which WeChat sends the
	// visitors of all sites back. WeChat allows an official account only two
	// callback domains (网页授权域名). This origin must be a site with `wechat_auth`,
	// best one on which no app runs. Each site needs a known origin: from
	// `origin`, or from its address in the Caddyfile. Default: WeChat sends
	// visitors back to the site that they opened.
	CallbackOrigin string `json:"callback_origin,omitempty"`

	// The openids, unionids and persons' ids (`X-Wechat-User`) of visitors whom
	// no site lets in, at most 100,000. A value may be a placeholder of the
	// environment or of a file, which may stand for several ids, separated by
	// white space. Persons can also be banned while the gateway runs. Default:
	// none.
	Deny []string `json:"deny,omitempty"`

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
	deny     site.IDs
	admitted []string // app ids whose visitors some site admits
	sites    []statusSite
	loaded   time.Time
	followed []string // app ids of official accounts whose followers some site admits
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

	opening   sync.Mutex
	over      bool // Cleanup was called; under opening
	hub       atomic.Pointer[site.Hub]
	opened    opened
	keeper    *session.KeyManager
	senders   atomic.Pointer[[]*webhook.Sender]
	pushes    *push.Handler
	withdrawn uint64 // keys, see followPushKeys
	upkeep    *profile.Refresher
	tokens    globalTokens
	probe     *probe
	history   *history.Ring
	health    *health.Monitor
	watch     atomic.Pointer[ledgerWatch] // nil before Start
	stop      context.CancelFunc
	running   sync.WaitGroup

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
	a.loaded = time.Now()
	a.ctx, a.logger, a.audit = ctx, ctx.Slogger(), audit.Log{Lines: auditLogger(ctx)}
	if err := a.provisionEvents(ctx); err != nil {
		return err
	}
	a.storage, a.health = keyStorage{ctx.Storage()}, a.newMonitor()
	if err := a.provisionAccounts(); err != nil {
		return err
	}
	if err := a.provisionDeny(); err != nil {
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

// Interface guards.
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
