package site

import (
	"context"
	"time"

	"github.com/caddy-wechat/gateway/internal/assertion"
	"github.com/caddy-wechat/gateway/internal/follow"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/live"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/scan"
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/internal/signout"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// Ledger is the part of the ledger that sites use.
type Ledger interface {
	// Observe records a sign-in and returns the person.
	Observe(ctx context.Context, s ledger.Observation) (ledger.Person, error)
	// Ready returns an error if a sign-in cannot be recorded now.
	Ready(ctx context.Context) error
	// Find returns the person with this id, also by the id of a merged record.
	Find(ctx context.Context, id string) (ledger.Person, error)
	// FindOpenID returns the person to whom this openid of this app id belongs.
	FindOpenID(ctx context.Context, appID, openID string) (ledger.Person, error)
	// FindUnionID returns the person with this unionid.
	FindUnionID(ctx context.Context, unionID string) (ledger.Person, error)
	// EndSession remembers until the given time that this session has ended.
	EndSession(ctx context.Context, id [16]byte, until time.Time) error
	// Generation grows whenever a person's data changes.
	Generation() uint64
	// Tell queues an event that does not change a person. An event whose id is
	// already queued is ignored.
	Tell(ctx context.Context, e ledger.Event) error
}

// Hub is what all sites of one gateway share.
type Hub struct {
	WeChat *wechat.Client

	// The following calls need an account's own token (wechat.GlobalToken of
	// the app id). Nil turns a call off.

	// Phone spends the code of a mini program's phone button.
	Phone func(ctx context.Context, appID, code, openID string) (wechat.Phone, error)
	// FollowerUnionID returns the unionid of a follower of the official
	// account, "" for others. It is called after a silent sign-in of a person
	// without a known unionid. The sign-in waits a short time for it and never
	// fails because of it.
	FollowerUnionID func(ctx context.Context, appID, openID string) (string, error)
	// JSSDK signs a page of a site for its official account.
	JSSDK func(ctx context.Context, appID, pageURL string) (wechat.JSSDK, error)

	Ledger Ledger
	Store  session.Store
	// StoreHasCache says that the store caches its own answers and learns of
	// ends made by other instances, so that sites ask it on every request.
	StoreHasCache bool
	Ended         func(id [16]byte) bool // reports whether a session was ended before its time
	// PersonEnded returns the time before which all sessions of a person have
	// ended, zero for none. It answers from memory. Nil means that only the
	// store knows.
	PersonEnded func(person string) time.Time
	// Banned reports whether a person, or a visitor with these names, is banned.
	// It answers from memory, and the ledger's Generation grows with each
	// change. Nil: no person is.
	Banned func(p *ledger.Person) bool
	// Deny names persons who enter no site.
	Deny IDs
	// Followers answers for the sites with Rules.AllowFollowers. Nil: it admits
	// no visitor.
	Followers *follow.Followers
	// FollowCode returns the QR code by which persons follow an official
	// account. Nil: pages have none.
	FollowCode func(ctx context.Context, appID string) (page.Code, error)
	// EndUnsaved reports whether an end of this session, or of this person, is
	// known here but may not be stored. Nil means never.
	EndUnsaved func(id [16]byte, person string) bool
	// Unfinished keeps failed ends and retries them. Nil: the client must
	// repeat them.
	Unfinished *signout.Unfinished
	Policy     session.Policy
	Keys       *session.Ring
	// Assertions signs for the sites that have Rules.Assertion; it is required
	// there.
	Assertions *assertion.Signer
	Memory     *Memory
	// Scans signs in browsers outside WeChat by a phone. Nil turns this off.
	Scans *scan.Board
	// RealWeChat says that browsers are sent to WeChat's own servers, where the
	// dance does not work outside WeChat. A simulator's dance does.
	RealWeChat bool
	// SharedCallback is the callback address that sites share. Nil: each site
	// uses its own.
	SharedCallback *SharedCallback
	// Live ends running requests when their session ends. Nil: they go on. Two
	// configurations share one List if store, keys and times are equal.
	Live *live.List
	// Admits reports whether any site signs in visitors of an app id. Nil:
	// every app id is admitted.
	Admits func(appID string) bool

	// KeepGrants returns, sealed, what the ledger stores of a consent so that
	// the profile can be fetched again later; nil for nothing. A nil func
	// stores nothing.
	KeepGrants func(wechat.Token) []byte
	// QueueProfileRefresh is called at each request of a visitor whose profile
	// is older than ProfileMaxAge. It must not block. A zero ProfileMaxAge
	// means never.
	QueueProfileRefresh func(p ledger.Person, appID string)
	ProfileMaxAge       time.Duration

	// Counts counts what sites do. Nil: nothing is counted.
	Counts *Counts
	// TraceSignIn follows sign-ins, see [signin.Signer]. Nil: they are not
	// followed.
	TraceSignIn signin.TraceFunc

	// Succession knows the configuration that replaces this one. Nil: none ever
	// does.
	Succession *Succession
}

// SharedCallback is a callback address that several sites share: WeChat allows
// an official account two callback domains (网页授权域名), a website one.
//
//	https://auth.example.com/_wechat/callback/at/https/shop.example.com/<flow>?code=…
//
// It redirects the visitor to the site that began the dance. That site's own
// callback checks everything, as if WeChat had called it.
type SharedCallback struct {
	// Origin is where WeChat sends the visitors of all sites back to.
	Origin string
	// Sites are the origins of the sites. Visitors are redirected to these only
	// (attack: an address with a foreign host, crafted or caused by a forged
	// Host, takes a visitor's code there, where it can be spent in the
	// visitor's name).
	Sites map[string]bool
}
