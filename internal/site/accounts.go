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

// Other returns the site's account of this kind and name, of those beside the official
// account.
func (site *Site) Other(kind wechat.AccountKind, name string) (wechat.Account, bool) {
	for _, a := range site.Others {
		if a.Kind == kind && a.Name == name {
			return a, true
		}
	}
	return wechat.Account{}, false
}

// Has reports whether the site has such an account of this kind.
func (site *Site) Has(kind wechat.AccountKind) bool {
	return slices.ContainsFunc(site.Others, func(a wechat.Account) bool { return a.Kind == kind })
}

// AccountOf returns the account of a session's app id.
func (site *Site) AccountOf(appID string) wechat.Account {
	for _, a := range site.Others {
		if a.Credentials.AppID == appID {
			return a
		}
	}
	return site.Account
}

// load reads a session. A value is bound to one account, and does not say to
// which: the most likely one is tried first, and then each once. known is what the
// value stood for before, nil if it is new.
func (site *Site) load(ctx context.Context, r *Request, value string, known *Identity) (*session.Session, error) {
	if r.Token.Sent {
		return site.loadToken(ctx, r, value)
	}
	first := site.Account
	if known != nil {
		first = site.AccountOf(known.Session.AppID)
	}
	s, err := site.loadFor(ctx, r, value, first)
	for _, a := range site.doorsBehind(first) {
		if err == nil || !errors.Is(err, session.ErrTampered) {
			break // found, over, or nobody can tell
		}
		s, err = site.loadFor(ctx, r, value, a)
	}
	return s, err
}

// loadToken is load for a token. Only accounts whose clients hold tokens are
// looked at.
func (site *Site) loadToken(ctx context.Context, r *Request, value string) (s *session.Session, err error) {
	err = session.ErrNone
	for _, hinted := range []bool{true, false} {
		for _, a := range site.Others {
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

// Binding is what the session of this request's client is bound to.
func (r *Request) Binding(a wechat.Account) session.Binding {
	b := session.Binding{Site: r.Origin, AppID: a.Credentials.AppID, Audience: session.Cookie}
	if r.Token.Sent {
		b.Audience = session.Token
	}
	return b
}

// doorsBehind are the accounts of the site less one.
func (site *Site) doorsBehind(first wechat.Account) []wechat.Account {
	if first.Kind == wechat.OfficialAccount {
		return site.Others
	}
	others := slices.DeleteFunc(slices.Clone(site.Others), func(a wechat.Account) bool {
		return a.Credentials.AppID == first.Credentials.AppID
	})
	return append([]wechat.Account{site.Account}, others...)
}

// phoneOf is the person's phone number, as it was last given to an account of this
// site, where the site wants it.
func (site *Site) phoneOf(p *ledger.Person) (phone string) {
	if site.HeaderName(FieldPhone, string(FieldPhone)) == "" {
		return "" // nor in a placeholder, which ends up in logs
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

// FlowAccount is the account of a dance, false when the site has it no more.
func (site *Site) FlowAccount(f flow.Flow) (wechat.Account, bool) {
	if f.Account == "" {
		return site.Account, true
	}
	return site.Other(wechat.Website, f.Account)
}

// namedAccount is the account of a flow, or its name alone where the site admits it
// no more.
func (site *Site) namedAccount(f flow.Flow) wechat.Account {
	account, ok := site.FlowAccount(f)
	if !ok {
		account.Name = f.Account
	}
	return account
}
