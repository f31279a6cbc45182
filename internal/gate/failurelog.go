package gate

import (
	"context"
	"errors"
	"log/slog"

	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/notice"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// log is where failures are written.
func (g *Gate) log() outage.Log {
	return outage.Log{Logger: g.Logger, Outages: &g.Hub.Memory.outages, Lines: &g.Hub.Memory.lines}
}

// teller tells the business systems of what visitors do.
func (g *Gate) teller() notice.Teller {
	return notice.Teller{Ledger: g.Hub.Ledger, Limits: &g.Hub.Memory.events, Untold: &g.untold, Log: g.log()}
}

// signer makes the sessions of the site.
func (g *Gate) signer() signin.Signer {
	return signin.Signer{
		Once: &g.Hub.Memory.Once, Ledger: g.Hub.Ledger, Store: g.Hub.Store, PersonEnded: g.Hub.PersonEnded,
		Ends: g.ends(), Teller: g.teller(), Log: g.log(), Audit: g.Audit,
		NameOf: func(appID string) string { return g.accountOf(appID).Name },
	}
}

// ways are how the accounts of the site ask WeChat.
func (g *Gate) ways() signin.Ways {
	return signin.Ways{
		WeChat: g.Hub.WeChat, Ledger: g.Hub.Ledger, Keys: g.Hub.Keys, Log: g.log(),
		KeepGrants: g.Hub.KeepGrants, FollowerUnionID: g.Hub.FollowerUnionID,
	}
}

// logUnavailable notes that a request was answered 503.
func (g *Gate) logUnavailable(r *Request, a wechat.Account, flowID string, err error) {
	switch log := g.log(); {
	case errors.Is(err, signin.ErrCrowded):
		level := slog.LevelDebug // one line for a crowd (attack: a flood fills the log)
		if g.crowds.Take(limit.Rate{Burst: 1, Every: crowdRound}) {
			level = slog.LevelWarn
		}
		log.Plain(level, "unavailable", a.Name, flowID, err)
	case hasLeft(r, err):
		// Nobody reads the answer, and nothing is down (attack: a client that leaves
		// again and again makes the log cry wolf).
		log.Plain(slog.LevelDebug, "unavailable", a.Name, flowID, err)
	default:
		log.Unanswered(a.Name, flowID, err)
	}
}

// hasLeft reports whether a request failed because its client is gone.
func hasLeft(r *Request, err error) bool {
	if r == nil || r.Context().Err() == nil {
		return false
	}
	return errors.Is(err, context.Canceled) || errors.Is(err, signin.ErrLeft) ||
		!errors.Is(err, session.ErrUnavailable) && !errors.Is(err, ledger.ErrUnavailable)
}

// logWeChat notes a failure of a sign-in, with errcode and rid apart.
func (g *Gate) logWeChat(level slog.Level, msg string, f flow.Flow, err error) {
	g.log().Note(level, msg, g.namedAccount(f).Name, f.ID, err)
}

// namedAccount is the account of a flow, or its name alone where the site admits it
// no more.
func (g *Gate) namedAccount(f flow.Flow) wechat.Account {
	account, ok := g.flowAccount(f)
	if !ok {
		account.Name = f.Account
	}
	return account
}
