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

// ExchangeFunc spends a code of an account and returns WeChat's answer. It does
// not set AppID and SignedIn of the observation.
type ExchangeFunc func(ctx context.Context, a wechat.Account, code string) (ledger.Observation, error)

// Exchanger asks WeChat whose code it is, for each kind of account. WeChat,
// Ledger and Log are required.
type Exchanger struct {
	WeChat *wechat.Client
	Ledger interface {
		FindOpenID(ctx context.Context, appID, openID string) (ledger.Person, error)
	}
	Keys *session.Ring // seal the session_key that the ledger stores for a mini program
	Log  outage.Log
	Flow string // the name of the sign-in, for the log; "" for none

	// KeepGrants returns, sealed, what the ledger stores of a consent so that
	// the profile can be fetched again later; nil for nothing. A nil func
	// stores nothing.
	KeepGrants func(wechat.Token) []byte
	// FollowerUnionID returns the unionid of a follower of the official
	// account, "" for others. It is called after a silent sign-in of a person
	// without a known unionid. The sign-in waits a short time for it and never
	// fails because of it. Nil turns it off.
	FollowerUnionID func(ctx context.Context, appID, openID string) (string, error)
}

// For returns the function that spends codes of a kind of account.
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

// noKind refuses the codes of an account whose kind is unknown: they must not
// be spent as codes of another kind.
func noKind(_ context.Context, a wechat.Account, _ string) (ledger.Observation, error) {
	return ledger.Observation{}, fmt.Errorf("signin: the account %s has no kind: %w", a.Name, wechat.ErrAlert)
}

// errSnapshot says that a code belongs to a virtual visitor (快照页).
var errSnapshot = errors.New("signin: a virtual visitor")

// officialAccount spends a code of the official account.
func (y Exchanger) officialAccount(ctx context.Context, a wechat.Account, code string) (ledger.Observation, error) {
	token, err := y.WeChat.Exchange(ctx, a.Credentials, code)
	y.Log.Answered(a.Name, err, "exchange")
	switch {
	case err != nil:
		return ledger.Observation{}, err
	case token.Snapshot:
		return ledger.Observation{}, errSnapshot
	}
	observation := ledger.Observation{
		OpenID: token.OpenID, UnionID: token.UnionID, Scope: string(cmp.Or(token.Scope, wechat.ScopeBase)),
	}
	if token.Scope == wechat.ScopeUserInfo {
		if err := y.addProfile(ctx, a, token, &observation); err != nil {
			return ledger.Observation{}, err
		}
	}
	y.addUnionID(ctx, a, token, &observation)
	return observation, nil
}

// website spends a code of WeChat's QR page. A visitor who confirms there
// consents to show the profile.
func (y Exchanger) website(ctx context.Context, a wechat.Account, code string) (ledger.Observation, error) {
	token, err := y.WeChat.Exchange(ctx, a.Credentials, code)
	y.Log.Answered(a.Name, err, "exchange")
	switch {
	case err != nil:
		return ledger.Observation{}, err
	case token.Snapshot:
		// WeChat is not known to send one here. Virtual visitors must never be
		// mixed with real persons.
		return ledger.Observation{}, fmt.Errorf("signin: a virtual visitor of a website: %w", wechat.ErrDeny)
	}
	token.Scope = wechat.ScopeUserInfo // snsapi_login grants as much; the grant is stored with this scope
	observation := ledger.Observation{OpenID: token.OpenID, UnionID: token.UnionID, Scope: a.Kind.SessionScope()}
	err = y.addProfile(ctx, a, token, &observation)
	return observation, err
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

// mobileApp spends a code of an app. The visitor has consented in WeChat's own
// app.
func (y Exchanger) mobileApp(ctx context.Context, a wechat.Account, code string) (ledger.Observation, error) {
	token, err := y.WeChat.Exchange(ctx, a.Credentials, code)
	y.Log.Answered(a.Name, err, "exchange")
	switch {
	case err != nil:
		return ledger.Observation{}, err
	case token.Snapshot:
		// WeChat is not known to send one here. Virtual visitors must never be
		// mixed with real persons.
		return ledger.Observation{}, fmt.Errorf("signin: a virtual visitor in an app: %w", wechat.ErrDeny)
	}
	observation := ledger.Observation{OpenID: token.OpenID, UnionID: token.UnionID, Scope: a.Kind.SessionScope()}
	if token.Scope == wechat.ScopeUserInfo {
		err = y.addProfile(ctx, a, token, &observation)
	}
	return observation, err
}

// addProfile fetches what the person consented to show.
func (y Exchanger) addProfile(ctx context.Context, a wechat.Account, token wechat.Token, observation *ledger.Observation) error {
	info, err := y.WeChat.UserInfo(wechat.WithAppID(ctx, a.Credentials.AppID), token.AccessToken, token.OpenID)
	y.Log.Answered(a.Name, err, "userinfo")
	if err != nil {
		return err
	}
	if observation.UnionID == "" {
		observation.UnionID = info.UnionID
	}
	observation.Consent = true
	observation.Profile = &ledger.Profile{Nickname: info.Nickname, AvatarURL: info.AvatarURL}
	if y.KeepGrants != nil {
		observation.Grant = y.KeepGrants(token)
	}
	return nil
}
