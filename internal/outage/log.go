package outage

import (
	"context"
	"errors"
	"log/slog"

	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Log writes of sign-ins that fail: as of an outage if something is down, else by
// a line of its own, within a limit. All three fields are needed.
type Log struct {
	Logger  *slog.Logger
	Outages *Outages
	Lines   *limit.Lines
}

// Worked notes that something answered.
func (l Log) Worked(downs ...Down) { l.Outages.Worked(l.Logger, downs...) }

// WorkedUnlessFailing notes that a store answered, if it was not from its memory. It
// is asked at each request.
func (l Log) WorkedUnlessFailing(store any, d Down) {
	if l.Outages.Open() && !Failing(store) {
		l.Worked(d)
	}
}

// Answered notes what the answer to a call about an account says of WeChat: a refusal
// is an answer, too.
func (l Log) Answered(account string, err error, calls ...string) {
	if len(Of(account, err)) > 0 {
		return
	}
	for _, call := range calls {
		l.Worked(Down{What: "WeChat", Account: account, Call: call})
	}
}

// Note notes a failure, of a flow if it has an id.
func (l Log) Note(level slog.Level, msg, account, flowID string, err error) {
	l.noteBy(level, msg, Of(account, err), account, flowID, err)
}

// noteBy is Note where it is known what is down.
func (l Log) noteBy(level slog.Level, msg string, all []Down, account, flowID string, err error) {
	attrs := failureAttrs(account, flowID, err)
	if len(all) == 0 {
		ok, left := l.Lines.Take(msg + " " + account)
		if !ok {
			level = slog.LevelDebug
		} else if left > 0 {
			attrs = append(attrs, slog.Int("left_out", left))
		}
		l.Logger.LogAttrs(context.Background(), level, msg, attrs...)
		return
	}
	for _, d := range all {
		f := Failure{Level: level, Effect: msg, Err: err, Attrs: attrs[2:]}
		if d.Account == "" {
			f.Level = slog.LevelError
		}
		l.Outages.Failed(l.Logger, d, f)
	}
}

// Unanswered notes that a request was answered 503.
func (l Log) Unanswered(account, flowID string, err error) {
	all := Of(account, err)
	if e := (*wechat.Error)(nil); len(all) == 0 && !isOneVisitors(err) && !errors.As(err, &e) {
		all = []Down{Sessions} // a store that does not say what it failed with
	}
	l.noteBy(slog.LevelError, "answered 503", all, account, flowID, err)
}

// Plain writes a failure as it is.
func (l Log) Plain(level slog.Level, msg, account, flowID string, err error) {
	l.Logger.LogAttrs(context.Background(), level, msg, failureAttrs(account, flowID, err)...)
}

// failureAttrs is the account, the error, and then what else is known.
func failureAttrs(account, flowID string, err error) []slog.Attr {
	attrs := []slog.Attr{slog.String("account", account), slog.Any("error", err)}
	if flowID != "" {
		attrs = append(attrs, slog.String("flow", flowID[:min(len(flowID), 8)]))
	}
	var e *wechat.Error
	if errors.As(err, &e) {
		attrs = append(attrs, slog.Int("errcode", e.Code), slog.String("rid", e.RID), slog.String("kind", string(e.Remedy)))
		if e.Address != "" {
			attrs = append(attrs, slog.String("allow_address", e.Address))
		}
	}
	return attrs
}
