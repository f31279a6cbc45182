package wechat

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// GlobalToken is the access token of an account, not of a visitor, with the
// calls that need it. A fleet has one token for each account. The first gateway
// that needs it fetches it, and it is renewed before it expires, while the old
// one still works (wechat-protocol E2). Set the fields before the first call
// and do not change them afterwards. It is safe for concurrent use and must not
// be copied. Close ends it.
//
// Sign-ins in a browser do not need it.
type GlobalToken struct {
	Client      *Client
	Credentials Credentials
	// Store is shared by the fleet. nil: the token is kept in this process.
	Store TokenStore
	// Logger gets one message for each failed call of WeChat. nil: no log.
	Logger *slog.Logger

	once                sync.Once
	token, ticket, code *tokenKeeper
}

// Get returns the token. Use it at once and do not keep it: see Do.
func (g *GlobalToken) Get(ctx context.Context) (Secret, error) {
	g.start()
	return g.token.get(ctx)
}

// Do runs call with the token, and again with another token if call returns
// ErrRenew: another program has made WeChat replace the token (40001, 40014,
// 42001). If the second token was fetched before this call, by another gateway,
// it may have been replaced as well: then call runs a third time, with a newer
// token.
func (g *GlobalToken) Do(ctx context.Context, call func(ctx context.Context, access Secret) error) error {
	start, ctx := time.Now(), WithAppID(ctx, g.Credentials.AppID)
	access, err := g.Get(ctx)
	if err != nil {
		return err
	}
	again := 2
	for {
		if err = call(ctx, access); again == 0 || !errors.Is(err, ErrRenew) {
			return err
		}
		other, err := g.token.renew(ctx, access)
		if err != nil {
			return err
		}
		again--
		if !other.fetched.Before(start) {
			again = 0
		}
		access = other.value
	}
}

// Phone is Client.Phone with the account's token. A code sent with an invalid
// token is not spent and is sent again.
func (g *GlobalToken) Phone(ctx context.Context, code, openID string) (phone Phone, err error) {
	err = g.Do(ctx, func(ctx context.Context, access Secret) error {
		phone, err = g.Client.Phone(ctx, access, g.Credentials.AppID, code, openID)
		return err
	})
	return phone, err
}

// Follower is Client.Follower with the account's token.
func (g *GlobalToken) Follower(ctx context.Context, openID string) (follower Follower, err error) {
	err = g.Do(ctx, func(ctx context.Context, access Secret) error {
		follower, err = g.Client.Follower(ctx, access, openID)
		return err
	})
	return follower, err
}

// SignJSSDK is the function of this name with the account's ticket, which is
// kept in the same way as the token.
func (g *GlobalToken) SignJSSDK(ctx context.Context, page string) (JSSDK, error) {
	g.start()
	ticket, err := g.ticket.get(ctx)
	if err != nil {
		return JSSDK{}, err
	}
	return SignJSSDK(g.Credentials.AppID, ticket, page, time.Now())
}

// Close ends the background work and waits for it. Afterwards kept values can
// still be read, but no value is fetched.
func (g *GlobalToken) Close() {
	g.start()
	g.code.close()
	g.ticket.close()
	g.token.close()
}

// start makes the keepers.
func (g *GlobalToken) start() {
	g.once.Do(func() {
		g.token = g.keeper(stableToken, func(ctx context.Context, force bool) (Secret, time.Duration, error) {
			return g.Client.stableToken(ctx, g.Credentials, force)
		})
		g.token.forces = true
		g.ticket = g.keeper(jsTicket, g.fetchTicket)
		g.code = g.keeper(followCode, g.fetchCode)
	})
}

// keeper returns the keeper of the values that ep returns.
func (g *GlobalToken) keeper(ep endpoint, fetch func(context.Context, bool) (Secret, time.Duration, error)) *tokenKeeper {
	k := &tokenKeeper{ep: ep, key: g.Credentials.AppID + "/" + ep.op, store: g.Store, logger: g.Logger, fetch: fetch}
	if k.store == nil {
		k.store = new(MemoryTokens)
	}
	if k.logger == nil {
		k.logger = slog.New(slog.DiscardHandler)
	}
	k.life, k.stop = context.WithCancel(context.Background())
	return k
}

// fetchTicket fetches the ticket.
func (g *GlobalToken) fetchTicket(ctx context.Context, _ bool) (ticket Secret, life time.Duration, err error) {
	err = g.Do(ctx, func(ctx context.Context, access Secret) error {
		ticket, life, err = g.Client.jsTicket(ctx, access)
		return err
	})
	return ticket, life, err
}
