package site

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// AccountNamed returns the site's account of this kind and name. It does not
// look at the official account.
func (site *Site) AccountNamed(kind wechat.AccountKind, name string) (wechat.Account, bool) {
	for _, a := range site.OtherAccounts {
		if a.Kind == kind && a.Name == name {
			return a, true
		}
	}
	return wechat.Account{}, false
}

// HasKind reports whether the site has another account of this kind.
func (site *Site) HasKind(kind wechat.AccountKind) bool {
	return slices.ContainsFunc(site.OtherAccounts, func(a wechat.Account) bool { return a.Kind == kind })
}

// AccountOf returns the account of a session's app id.
func (site *Site) AccountOf(appID string) wechat.Account {
	for _, a := range site.OtherAccounts {
		if a.Credentials.AppID == appID {
			return a
		}
	}
	return site.Account
}

// loadSession reads a session. A value is bound to one account but does not
// name it, so load tries the most likely one first and then each other one.
// known is the identity that the value had before, nil if the value is new.
func (site *Site) loadSession(ctx context.Context, r *Request, value string, known *Identity) (*session.Session, error) {
	if r.Token.Sent {
		return site.loadToken(ctx, r, value)
	}
	first := site.Account
	if known != nil {
		first = site.AccountOf(known.Session.AppID)
	}
	s, err := site.loadFor(ctx, r, value, first)
	for _, a := range site.accountsExcept(first) {
		if err == nil || !errors.Is(err, session.ErrTampered) {
			break // found, ended, or the store is unavailable
		}
		s, err = site.loadFor(ctx, r, value, a)
	}
	return s, err
}

// loadToken is load for a token. It tries only accounts whose clients hold
// tokens.
func (site *Site) loadToken(ctx context.Context, r *Request, value string) (s *session.Session, err error) {
	err = session.ErrNone
	for _, hinted := range []bool{true, false} {
		for _, a := range site.OtherAccounts {
			if !a.Kind.ClientsHoldTokens() || (a.Name == r.Token.Account) != hinted {
				continue
			}
			if s, err = site.loadFor(ctx, r, value, a); err == nil || !errors.Is(err, session.ErrNone) {
				return s, err
			}
		}
	}
	return nil, err
}

func (site *Site) loadFor(ctx context.Context, r *Request, value string, a wechat.Account) (*session.Session, error) {
	return site.Hub.Store.Load(ctx, value, r.Binding(a))
}

// Binding returns what the session of this request's client is bound to.
func (r *Request) Binding(a wechat.Account) session.Binding {
	b := session.Binding{Site: r.Origin, AppID: a.Credentials.AppID, Audience: session.Cookie}
	if r.Token.Sent {
		b.Audience = session.Token
	}
	return b
}

// accountsExcept returns the accounts of the site except first.
func (site *Site) accountsExcept(first wechat.Account) []wechat.Account {
	if first.Kind == wechat.OfficialAccount {
		return site.OtherAccounts
	}
	others := slices.DeleteFunc(slices.Clone(site.OtherAccounts), func(a wechat.Account) bool {
		return a.Credentials.AppID == first.Credentials.AppID
	})
	return append([]wechat.Account{site.Account}, others...)
}

// phoneOf returns the phone number that the person last gave to an account of
// this site, "" if the site does not send it.
func (site *Site) phoneOf(p *ledger.Person) (phone string) {
	if site.HeaderName(FieldPhone, string(FieldPhone)) == "" {
		return "" // it is not set as a placeholder either, because placeholders end up in logs
	}
	var newest time.Time
	for _, a := range p.Accounts {
		if a.Phone != "" && !a.PhoneAt.Before(newest) && site.Admits(a.AppID) {
			phone, newest = a.Phone, a.PhoneAt
		}
	}
	return phone
}

// Admits reports whether this is the app id of one of the site's accounts.
func (site *Site) Admits(appID string) bool {
	return site.AccountOf(appID).Credentials.AppID == appID
}

// FlowAccount returns the account of a dance, false if the site no longer has
// it.
func (site *Site) FlowAccount(f flow.Flow) (wechat.Account, bool) {
	if f.Account == "" {
		return site.Account, true
	}
	return site.AccountNamed(wechat.Website, f.Account)
}

// namedAccount returns the account of a flow, or only its name if the site no
// longer has it.
func (site *Site) namedAccount(f flow.Flow) wechat.Account {
	account, ok := site.FlowAccount(f)
	if !ok {
		account.Name = f.Account
	}
	return account
}
