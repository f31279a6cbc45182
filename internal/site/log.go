package site

import (
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
	return outage.Log{Logger: site.Logger, Outages: &site.Hub.Memory.outages, Lines: &site.Hub.Memory.lines}
}

// crowdRound is how often the log says that too many sign-ins run at once.
const crowdRound = 10 * time.Second

// LogUnavailable logs that a request was answered 503.
func (site *Site) LogUnavailable(r *Request, a wechat.Account, flowID string, err error) {
	switch log := site.Log(); {
	case errors.Is(err, signin.ErrTooBusy):
		level := slog.LevelDebug // one line per crowd (attack: a flood fills the log)
		if site.crowds.Take(limit.Rate{Burst: 1, Every: crowdRound}) {
			level = slog.LevelWarn
		}
		log.Plain(level, "unavailable", a.Name, flowID, err)
	case hasLeft(r, err):
		// The client has left, and nothing is down (attack: a client that
		// disconnects again and again raises false alarms in the log).
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
	return errors.Is(err, context.Canceled) || errors.Is(err, signin.ErrClientGone) ||
		!errors.Is(err, session.ErrUnavailable) && !errors.Is(err, ledger.ErrUnavailable)
}

// LogFailed logs the failure of a sign-in, with errcode and rid in keys of
// their own.
func (site *Site) LogFailed(level slog.Level, msg string, f flow.Flow, err error) {
	site.Log().Note(level, msg, site.namedAccount(f).Name, f.ID, err)
}
