package site

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/internal/assertion"
	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/notice"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Rules are the operator's settings of one site.
type Rules struct {
	// CORSOrigins are the origins, such as https://app.example.com, whose pages
	// may use the endpoints for clients without cookies, and open WebSockets.
	// They are in the form of CanonicalOrigin.
	CORSOrigins []string

	Scope           wechat.Scope // the scope that a visitor must have given
	ConsentRedirect bool         // redirect to WeChat's consent at once, without our page
	AllowDeclined   bool         // visitors who decline pass with only the openid
	// DeclineHolds is how long a decline is remembered before the site asks
	// again. Zero or less means a day.
	DeclineHolds  time.Duration
	OutsideWeChat Outside
	SnapshotGuest bool // 快照页 visitors pass as read-only guests; see [Site.AdmitsGuests]
	// Allow names who may enter, and AllowFollowers says that followers of the
	// site's official account may, too. Neither: all may enter.
	Allow          IDs
	AllowFollowers bool
	Check          bool // GET check tells other proxies the visitor of a request
	PreservePost   PreservePost
	Headers        map[Field]string // renamed headers; HeaderOff drops one
	Encoding       Encoding         // of nickname and avatar in headers
	PassCookies    bool             // the app gets the site's own cookies of ours, too
	Assertion      *assertion.Rule  // how X-Wechat-Assertion is signed; nil: it is not sent
	Theme          *page.Theme      // the look of the site's pages; nil is the built-in one
	KeepFragment   bool             // a small page takes the fragment of an address along to the sign-in
}

// Site is one site: the operator's settings, the accounts that sign its
// visitors in, and what it shares with the other sites.
type Site struct {
	Hub     *Hub
	Account wechat.Account // the official account, which signs browsers in
	// OtherAccounts are the other accounts whose visitors this site admits:
	// mini programs, mobile apps, websites.
	OtherAccounts []wechat.Account
	// Origin is the site's public origin, such as https://shop.example.com, if
	// the request does not tell it (TLS ends before the gateway).
	Origin string
	Rules  Rules
	Logger *slog.Logger
	Audit  audit.Log

	cache     identityCache
	crowds    limit.Line // limits a log line, see LogUnavailable
	schemes   limit.Line // limits a log line, see warnOfScheme
	untold    notice.Untold
	successor atomic.Pointer[Site] // see inConfiguration
}

// StoreContext returns a context that outlives the request: a visitor who
// leaves must not cancel what was begun (attack: oauth2-proxy#1784, "context
// canceled" cleared sessions).
func (site *Site) StoreContext(r *Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.Context()), outage.StoreTimeout)
}
