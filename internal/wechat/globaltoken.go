package wechat

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// GlobalToken is the access token of an account itself, not of a visitor, and what
// it opens. There is one for an account in a whole fleet, fetched by whoever needs
// it first and renewed before its time is over, while the old one still works
// (WeChat: getStableAccessToken, E2). Fields are set before the first call, then
// left alone. It is safe for concurrent use and must not be copied. Close ends it.
//
// No sign-in through a browser depends on it.
type GlobalToken struct {
	Client      *Client
	Credentials Credentials
	// Store is shared by the fleet; nil keeps everything in this process.
	Store TokenStore
	// Logger hears of failures, once for each time WeChat is asked; nil is
	// silence.
	Logger *slog.Logger

	once          sync.Once
	token, ticket *tokenKeeper
}

// Get returns the token. It is used at once and not kept: see Do.
func (g *GlobalToken) Get(ctx context.Context) (Secret, error) {
	g.start()
	return g.token.get(ctx)
}

// Do calls with the token, and once more with another if the call returns
// ErrRenew: somebody else has made WeChat replace it (40001, 40014, 42001). Where
// that other one is no newer than this call, because another instance had fetched
// it before, it may have been replaced as well: then a third time, with yet another.
func (g *GlobalToken) Do(ctx context.Context, call func(ctx context.Context, access Secret) error) error {
	start := time.Now()
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

// Phone is Client.Phone with the account's token. A code that came with a token of
// no use was not spent and is sent again.
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

// SignJSSDK is the function of this name with the account's ticket, which is kept
// as the token is.
func (g *GlobalToken) SignJSSDK(ctx context.Context, page string) (JSSDK, error) {
	g.start()
	ticket, err := g.ticket.get(ctx)
	if err != nil {
		return JSSDK{}, err
	}
	return SignJSSDK(g.Credentials.AppID, ticket, page, time.Now())
}

// Close ends what runs in the background and waits for it. What is kept can still
// be had afterwards, nothing is fetched any more.
func (g *GlobalToken) Close() {
	g.start()
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
	})
}

// tokenKeeper returns the keeper of what ep gives.
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
