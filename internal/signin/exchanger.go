package signin

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// ExchangeFunc spends a code of an account and says whom WeChat has named. AppID and SignedIn
// of the sighting are not its to set.
type ExchangeFunc func(ctx context.Context, a wechat.Account, code string) (ledger.Observation, error)

// Exchanger are how each kind of account asks WeChat whose code it is. WeChat, Ledger and
// Log are needed.
type Exchanger struct {
	WeChat *wechat.Client
	Ledger interface {
		FindOpenID(ctx context.Context, appID, openID string) (ledger.Person, error)
	}
	Keys *session.Ring // seal what the ledger keeps of a mini program's sign-in
	Log  outage.Log

	// KeepGrants returns what the ledger keeps of a consent to fetch the profile
	// again later, sealed; nil for nothing. A nil func keeps nothing.
	KeepGrants func(wechat.Token) []byte
	// FollowerUnionID returns the unionid of somebody who follows the official
	// account, "" of others. It is asked after a silent sign-in of somebody whose
	// unionid is not known; the sign-in waits, but not long, and never fails by it.
	// Nil: it is not asked.
	FollowerUnionID func(ctx context.Context, appID, openID string) (string, error)
}

// For is how accounts of a kind ask.
func (y Exchanger) For(kind wechat.AccountKind) ExchangeFunc {
	switch kind {
	case wechat.MiniProgram:
		return y.miniProgram
	case wechat.MobileApp:
		return y.mobileApp
	case wechat.Website:
		return y.website
	case wechat.OfficialAccount:
		return y.officialAccount
	default:
		return noKind
	}
}

// noKind refuses the codes of an account whose kind is not known: no code is spent as
// that of another kind.
func noKind(_ context.Context, a wechat.Account, _ string) (ledger.Observation, error) {
	return ledger.Observation{}, fmt.Errorf("signin: the account %s has no kind: %w", a.Name, wechat.ErrAlert)
}

// errVirtual says that a code was a virtual visitor's (快照页).
var errVirtual = errors.New("signin: a virtual visitor")

// officialAccount spends a code of the official account.
func (y Exchanger) officialAccount(ctx context.Context, a wechat.Account, code string) (ledger.Observation, error) {
	token, err := y.WeChat.Exchange(ctx, a.Credentials, code)
	y.Log.Answered(a.Name, err, "exchange")
	switch {
	case err != nil:
		return ledger.Observation{}, err
	case token.Snapshot:
		return ledger.Observation{}, errVirtual
	}
	sighting := ledger.Observation{
		OpenID: token.OpenID, UnionID: token.UnionID, Scope: string(cmp.Or(token.Scope, wechat.ScopeBase)),
	}
	if token.Scope == wechat.ScopeUserInfo {
		if err := y.addProfile(ctx, a, token, &sighting); err != nil {
			return ledger.Observation{}, err
		}
	}
	y.addUnionID(ctx, a, token, &sighting)
	return sighting, nil
}

// website spends a code of WeChat's QR page. Whoever confirmed there has consented
// to show the profile.
func (y Exchanger) website(ctx context.Context, a wechat.Account, code string) (ledger.Observation, error) {
	token, err := y.WeChat.Exchange(ctx, a.Credentials, code)
	y.Log.Answered(a.Name, err, "exchange")
	switch {
	case err != nil:
		return ledger.Observation{}, err
	case token.Snapshot:
		// Unheard of on desktops. Virtual people must never meet real ones.
		return ledger.Observation{}, fmt.Errorf("signin: a virtual visitor of a website: %w", wechat.ErrDeny)
	}
	token.Scope = wechat.ScopeUserInfo // what snsapi_login is good for; the grant is kept as such a one
	sighting := ledger.Observation{OpenID: token.OpenID, UnionID: token.UnionID, Scope: a.Kind.SessionScope()}
	err = y.addProfile(ctx, a, token, &sighting)
	return sighting, err
}

// miniProgram spends a code of wx.login.
func (y Exchanger) miniProgram(ctx context.Context, a wechat.Account, code string) (ledger.Observation, error) {
	got, err := y.WeChat.Login(ctx, a.Credentials, code)
	y.Log.Answered(a.Name, err, "login")
	if err != nil {
		return ledger.Observation{}, err
	}
	return ledger.Observation{OpenID: got.OpenID, UnionID: got.UnionID, Scope: a.Kind.SessionScope(), SessionKey: y.sealSessionKey(a, got)}, nil
}

// mobileApp spends a code of an app. The visitor has consented in WeChat's own app.
func (y Exchanger) mobileApp(ctx context.Context, a wechat.Account, code string) (ledger.Observation, error) {
	token, err := y.WeChat.Exchange(ctx, a.Credentials, code)
	y.Log.Answered(a.Name, err, "exchange")
	switch {
	case err != nil:
		return ledger.Observation{}, err
	case token.Snapshot:
		// Unheard of in apps. Virtual people must never meet real ones.
		return ledger.Observation{}, fmt.Errorf("signin: a virtual visitor in an app: %w", wechat.ErrDeny)
	}
	sighting := ledger.Observation{OpenID: token.OpenID, UnionID: token.UnionID, Scope: a.Kind.SessionScope()}
	if token.Scope == wechat.ScopeUserInfo {
		err = y.addProfile(ctx, a, token, &sighting)
	}
	return sighting, err
}

// addProfile fetches what the person consented to show.
func (y Exchanger) addProfile(ctx context.Context, a wechat.Account, token wechat.Token, sighting *ledger.Observation) error {
	info, err := y.WeChat.UserInfo(ctx, token.AccessToken, token.OpenID)
	y.Log.Answered(a.Name, err, "userinfo")
	if err != nil {
		return err
	}
	if sighting.UnionID == "" {
		sighting.UnionID = info.UnionID
	}
	sighting.Consent = true
	sighting.Profile = &ledger.Profile{Nickname: info.Nickname, AvatarURL: info.AvatarURL}
	if y.KeepGrants != nil {
		sighting.Grant = y.KeepGrants(token)
	}
	return nil
}
