package site

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/notice"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Rules is what the operator wants of one site.
type Rules struct {
	// CORSOrigins are the origins, such as https://app.example.com, whose pages may
	// use the endpoints for clients without cookies. As CanonicalOrigin gives them.
	CORSOrigins []string

	Scope           wechat.Scope // what a visitor must have given
	ConsentRedirect bool         // straight to WeChat's consent, without our page
	AllowDeclined   bool         // those who decline pass with the openid alone
	// DeclineHolds is how long a decline is remembered before the site asks again.
	// Zero or less means a day.
	DeclineHolds  time.Duration
	Outside       Outside
	SnapshotGuest bool             // 快照页 visitors pass as read-only guests
	Check         bool             // GET check tells other proxies who a visitor is
	Headers       map[Field]string // renamed headers; HeaderOff drops one
	Theme         *page.Theme      // the look of the site's pages; nil is the built-in one
}

// Site is one site: what its operator wants, the accounts that sign its visitors in, and
// what it shares with the other sites.
type Site struct {
	Hub     *Hub
	Account wechat.Account // the official account, of browsers
	// Others are the other accounts whose visitors this site admits: mini programs,
	// mobile apps, websites.
	Others []wechat.Account
	// Origin is the site's public origin, such as https://shop.example.com,
	// when it cannot be known from the request (TLS ends before us).
	Origin string
	Rules  Rules
	Logger *slog.Logger
	// Audit gets a line for each thing in [audit.Record]. Nil: none is written.
	Audit *slog.Logger

	cache   identityCache
	crowds  limit.One // of lines in the log, see LogUnavailable
	schemes limit.One // the same, see warnOfScheme
	untold  notice.Untold
	other   atomic.Pointer[Site] // see under
}

// StoreContext outlives the request: a visitor who leaves must not undo what
// was begun (attack: oauth2-proxy#1784, "context canceled" cleared sessions).
func (site *Site) StoreContext(r *Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.Context()), outage.StoreTimeout)
}
