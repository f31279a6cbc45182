package site

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// Log returns the log for failures.
func (site *Site) Log() outage.Log {
	return outage.Log{Logger: site.Logger, Outages: &site.Hub.Memory.outages, Lines: &site.Hub.Memory.lines, Audit: site.Audit}
}

// crowdRound is how often the log says that too many sign-ins run at once.
const crowdRound = 10 * time.Second

// LogUnavailable logs that a request was answered 503. name is the name of the
// sign-in; "" is that of the request.
func (site *Site) LogUnavailable(r *Request, a wechat.Account, name string, err error) {
	name = cmp.Or(name, r.Flow)
	switch log := site.Log(); {
	case errors.Is(err, signin.ErrTooBusy):
		level := slog.LevelDebug // one line per crowd (attack: a flood fills the log)
		ok, left := site.crowds.Take(limit.Rate{Burst: 1, Every: crowdRound})
		if ok {
			level = slog.LevelWarn
		}
		log.Plain(level, left, "unavailable", a.Name, name, err)
	case hasLeft(r, err):
		// The client has left, and nothing is down (attack: a client that
		// disconnects again and again raises false alarms in the log).
		log.Plain(slog.LevelDebug, 0, "unavailable", a.Name, name, err)
	default:
		log.Unanswered(a.Name, name, err)
	}
}

// hasLeft reports whether a request failed because its client is gone.
func hasLeft(r *Request, err error) bool {
	if r.Context().Err() == nil {
		return false
	}
	return errors.Is(err, context.Canceled) || errors.Is(err, signin.ErrClientGone) ||
		!errors.Is(err, session.ErrUnavailable) && !errors.Is(err, ledger.ErrUnavailable)
}

// LogFailed logs the failure of a sign-in, with errcode and rid in keys of
// their own. Without a flow, the line has the name of the request's sign-in.
func (site *Site) LogFailed(r *Request, level slog.Level, msg string, f flow.Flow, err error) {
	site.Log().Note(level, msg, site.namedAccount(f).Name, cmp.Or(f.Name(), r.Flow), err)
}
