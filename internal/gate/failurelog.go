package gate

import (
	"context"
	"errors"
	"log/slog"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// logUnavailable notes that a request was answered 503.
func (g *Gate) logUnavailable(r *Request, a Account, flowID string, err error) {
	switch {
	case errors.Is(err, errCrowded):
		level := slog.LevelDebug // one line for a crowd (attack: a flood fills the log)
		if g.crowds.Take(limit.Rate{Burst: 1, Every: crowdRound}) {
			level = slog.LevelWarn
		}
		g.logLine(level, "unavailable", failureAttrs(a, flowID, err))
	case hasLeft(r, err):
		// Nobody reads the answer, and nothing is down (attack: a client that leaves
		// again and again makes the log cry wolf).
		g.logLine(slog.LevelDebug, "unavailable", failureAttrs(a, flowID, err))
	default:
		all := downs(a, err)
		if e := (*wechat.Error)(nil); len(all) == 0 && !isOneVisitors(err) && !errors.As(err, &e) {
			all = []Down{downSessions} // a store that does not say what it failed with
		}
		g.logFailure(slog.LevelError, "answered 503", all, a, flowID, err)
	}
}

// hasLeft reports whether a request failed because its client is gone.
func hasLeft(r *Request, err error) bool {
	if r == nil || r.Context().Err() == nil {
		return false
	}
	return errors.Is(err, context.Canceled) || errors.Is(err, errLeft) ||
		!errors.Is(err, session.ErrUnavailable) && !errors.Is(err, ledger.ErrUnavailable)
}

// logWeChat notes a failure of a sign-in, with errcode and rid apart.
func (g *Gate) logWeChat(level slog.Level, msg string, f Flow, err error) {
	g.logAccount(level, msg, g.namedAccount(f), f.ID, err)
}

// namedAccount is the account of a flow, or its name alone where the site admits it
// no more.
func (g *Gate) namedAccount(f Flow) Account {
	account, ok := g.flowAccount(f)
	if !ok {
		account.Name = f.Account
	}
	return account
}

// logAccount notes a failure: as one of an outage if something is down, else by a line
// of its own.
func (g *Gate) logAccount(level slog.Level, msg string, a Account, flowID string, err error) {
	g.logFailure(level, msg, downs(a, err), a, flowID, err)
}

func (g *Gate) logFailure(level slog.Level, msg string, all []Down, a Account, flowID string, err error) {
	attrs := failureAttrs(a, flowID, err)
	if len(all) == 0 {
		ok, left := g.Hub.Results.lines.Take(msg + " " + a.Name)
		if !ok {
			level = slog.LevelDebug
		} else if left > 0 {
			attrs = append(attrs, slog.Int("left_out", left))
		}
		g.logLine(level, msg, attrs)
		return
	}
	for _, d := range all {
		f := Failure{Level: level, Effect: msg, Err: err, Attrs: attrs[2:]}
		if d.Account == "" {
			f.Level = slog.LevelError
		}
		g.Hub.Results.outages.Failed(g.Logger, d, f)
	}
}

func (g *Gate) logLine(level slog.Level, msg string, attrs []slog.Attr) {
	g.Logger.LogAttrs(context.Background(), level, msg, attrs...)
}

// failureAttrs is the account, the error, and then what else is known.
func failureAttrs(a Account, flowID string, err error) []slog.Attr {
	attrs := []slog.Attr{slog.String("account", a.Name), slog.Any("error", err)}
	if flowID != "" {
		attrs = append(attrs, slog.String("flow", shortID(flowID)))
	}
	var e *wechat.Error
	if errors.As(err, &e) {
		attrs = append(attrs, slog.Int("errcode", e.Code), slog.String("rid", e.RID), slog.String("kind", string(e.Kind)))
		if e.Address != "" {
			attrs = append(attrs, slog.String("allow_address", e.Address))
		}
	}
	return attrs
}
