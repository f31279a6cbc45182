package gate

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// door returns the site's door of this kind and name.
func (g *Gate) door(kind wechat.AccountKind, name string) (wechat.Account, bool) {
	for _, a := range g.Doors {
		if a.Kind == kind && a.Name == name {
			return a, true
		}
	}
	return wechat.Account{}, false
}

// has reports whether the site has a door of this kind.
func (g *Gate) has(kind wechat.AccountKind) bool {
	return slices.ContainsFunc(g.Doors, func(a wechat.Account) bool { return a.Kind == kind })
}

// accountOf returns the account of a session's app id.
func (g *Gate) accountOf(appID string) wechat.Account {
	for _, a := range g.Doors {
		if a.Credentials.AppID == appID {
			return a
		}
	}
	return g.Account
}

// load reads a session. A value is bound to one account, and does not say to
// which: the most likely one is tried first, and then each once. known is what the
// value stood for before, nil if it is new.
func (g *Gate) load(ctx context.Context, r *Request, value string, known *Identity) (*session.Session, error) {
	if r.token.sent {
		return g.loadToken(ctx, r, value)
	}
	first := g.Account
	if known != nil {
		first = g.accountOf(known.session.AppID)
	}
	s, err := g.loadFor(ctx, r, value, first)
	for _, a := range g.doorsBehind(first) {
		if err == nil || !errors.Is(err, session.ErrTampered) {
			break // found, over, or nobody can tell
		}
		s, err = g.loadFor(ctx, r, value, a)
	}
	return s, err
}

// loadToken is load for a token. Only accounts whose clients hold tokens are
// looked at.
func (g *Gate) loadToken(ctx context.Context, r *Request, value string) (s *session.Session, err error) {
	err = session.ErrNone
	for _, hinted := range []bool{true, false} {
		for _, a := range g.Doors {
			if !a.Kind.ClientsHoldTokens() || (a.Name == r.token.account) != hinted {
				continue
			}
			if s, err = g.loadFor(ctx, r, value, a); err == nil || !errors.Is(err, session.ErrNone) {
				return s, err
			}
		}
	}
	return nil, err
}

func (g *Gate) loadFor(ctx context.Context, r *Request, value string, a wechat.Account) (*session.Session, error) {
	return g.Hub.Store.Load(ctx, value, r.binding(a))
}

// binding is what the session of this request's client is bound to.
func (r *Request) binding(a wechat.Account) session.Binding {
	b := session.Binding{Site: r.origin, AppID: a.Credentials.AppID, Audience: session.Cookie}
	if r.token.sent {
		b.Audience = session.Token
	}
	return b
}

// doorsBehind are the accounts of the site less one.
func (g *Gate) doorsBehind(first wechat.Account) []wechat.Account {
	if first.Kind == wechat.OfficialAccount {
		return g.Doors
	}
	others := slices.DeleteFunc(slices.Clone(g.Doors), func(a wechat.Account) bool {
		return a.Credentials.AppID == first.Credentials.AppID
	})
	return append([]wechat.Account{g.Account}, others...)
}

// phoneOf is the person's phone number, as it was last given to an account of this
// site, where the site wants it.
func (g *Gate) phoneOf(p *ledger.Person) (phone string) {
	if g.headerName(FieldPhone, string(FieldPhone)) == "" {
		return "" // nor in a placeholder, which ends up in logs
	}
	var newest time.Time
	for _, a := range p.Accounts {
		if a.Phone != "" && !a.PhoneAt.Before(newest) && g.admits(a.AppID) {
			phone, newest = a.Phone, a.PhoneAt
		}
	}
	return phone
}

// admits reports whether this is the app id of one of the site's accounts.
func (g *Gate) admits(appID string) bool {
	return g.accountOf(appID).Credentials.AppID == appID
}
