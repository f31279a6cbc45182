package site

import (
	"context"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/live"
	"github.com/caddy-wechat/gateway/internal/scan"
	"github.com/caddy-wechat/gateway/internal/signout"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// Ledger is what sites ask of the ledger.
type Ledger interface {
	// Observe records a sign-in and returns the person.
	Observe(ctx context.Context, s ledger.Observation) (ledger.Person, error)
	// Ready says whether a sign-in could be recorded now.
	Ready(ctx context.Context) error
	// Find returns the person with this id, also by the id of a merged record.
	Find(ctx context.Context, id string) (ledger.Person, error)
	// FindOpenID returns the person to whom this openid of this app id belongs.
	FindOpenID(ctx context.Context, appID, openID string) (ledger.Person, error)
	// EndSession remembers until the given time that this session was ended.
	EndSession(ctx context.Context, id [16]byte, until time.Time) error
	// Generation grows whenever a person's data changes.
	Generation() uint64
	// Tell keeps something for the business systems that is no change of a
	// person; one with an id that is kept already is kept once.
	Tell(ctx context.Context, e ledger.Event) error
}

// Hub is what all sites of one gateway share.
type Hub struct {
	WeChat *wechat.Client

	// What needs an account's own token: wechat.GlobalToken of the app id. Each may
	// be nil: then there is none of it.

	// Phone spends the code of a mini program's phone button.
	Phone func(ctx context.Context, appID, code, openID string) (wechat.Phone, error)
	// FollowerUnionID returns the unionid of somebody who follows the official
	// account, "" of others. It is asked after a silent sign-in of somebody whose
	// unionid is not known; the sign-in waits, but not long, and never fails by it.
	FollowerUnionID func(ctx context.Context, appID, openID string) (string, error)
	// JSSDK signs a page of a site for its official account.
	JSSDK func(ctx context.Context, appID, pageURL string) (wechat.JSSDK, error)

	Ledger Ledger
	Store  session.Store
	// AskStore says that the store remembers by itself what it was asked, and
	// hears of ends that other instances made: it is asked on every request.
	AskStore bool
	Ended    func(id [16]byte) bool // whether a session was ended before its time
	// PersonEnded is the moment up to which all sessions of a person are over,
	// zero for none. It answers from memory. Nil where only the store knows.
	PersonEnded func(person string) time.Time
	// Unwritten reports whether an end of this session, or of this person, is known
	// here and may not be stored. Nil: there is none.
	Unwritten func(id [16]byte, person string) bool
	// Unfinished keeps ends that failed, and tries them again. Nil: they must be
	// repeated.
	Unfinished *signout.Unfinished
	Policy     session.Policy
	Keys       *session.Ring
	Memory     *Memory
	// Scans signs browsers outside WeChat in by a phone. Nil: there is none of it.
	Scans *scan.Board
	// RealWeChat says that the browsers are sent to WeChat's own servers, where the
	// dance cannot be walked outside of WeChat; a simulator's can.
	RealWeChat bool
	// SharedCallback is where WeChat sends visitors back to. Nil: each site's own.
	SharedCallback *SharedCallback
	// Live cuts requests that run while their session ends. Nil: they go on. Two
	// configurations have the same one if store, keys and times are the same.
	Live *live.List
	// Admits says whether any site signs visitors of an app id in. Nil: all do.
	Admits func(appID string) bool

	// KeepGrants returns what the ledger keeps of a consent to fetch the profile
	// again later, sealed; nil for nothing. A nil func keeps nothing.
	KeepGrants func(wechat.Token) []byte
	// Stale hears of visitors whose profile is older than ProfileMaxAge, again at
	// each of their requests until it is not. It must not block. Zero means never.
	Stale         func(p ledger.Person, appID string)
	ProfileMaxAge time.Duration

	// Succession hears of the configuration that takes the place of this one. Nil:
	// there is never another.
	Succession *Succession
}

// SharedCallback is one callback address of several sites: WeChat allows an official
// account two callback domains (网页授权域名), a website one.
//
//	https://auth.example.com/_wechat/callback/at/https/shop.example.com/<flow>?code=…
//
// It hands the visitor on to the site whose dance it is, whose own callback checks
// everything, as if WeChat had come there.
type SharedCallback struct {
	// Origin is where WeChat sends the visitors of all sites back to.
	Origin string
	// Sites are the origins of the sites. No visitor is handed on to another
	// (attack: an address with a foreign host, made by hand or by a forged Host,
	// brings somebody's code there, where it can be spent as theirs).
	Sites map[string]bool
}
