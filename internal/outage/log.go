package outage

import (
	"context"
	"errors"
	"log/slog"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Log logs failed sign-ins: as part of an outage if something is down,
// otherwise with a line of their own, within a limit. All fields but Audit are
// required.
type Log struct {
	Logger  *slog.Logger
	Outages *Outages
	Lines   *limit.Lines
	Audit   audit.Log // gets an event when an outage begins, and when it ends
}

// Worked records that something answered.
func (l Log) Worked(downs ...Down) {
	for _, d := range l.Outages.Worked(l.Logger, downs...) {
		l.Audit.Emit(audit.EventAvailable, d.fields()...)
	}
}

// Failed records one failure of what is down.
func (l Log) Failed(d Down, f Failure) {
	if l.Outages.Failed(l.Logger, d, f) {
		l.Audit.Emit(audit.EventUnavailable, d.fields()...)
	}
}

// WorkedUnlessFailing records that a store answered, unless from its memory. It
// is called at each request.
func (l Log) WorkedUnlessFailing(store any, d Down) {
	if l.Outages.Open() && !Failing(store) {
		l.Worked(d)
	}
}

// Answered records that WeChat answered a call for an account: a refusal is an
// answer, too.
func (l Log) Answered(account string, err error, calls ...string) {
	if len(Of(account, err)) > 0 {
		return
	}
	for _, call := range calls {
		l.Worked(Down{What: "WeChat", Account: account, Call: call})
	}
}

// Note logs a failure. flowID is the flow's id; "" means none.
func (l Log) Note(level slog.Level, msg, account, flowID string, err error) {
	l.noteBy(level, msg, Of(account, err), account, flowID, err)
}

// noteBy is Note with a known list of what is down.
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
		l.Failed(d, f)
	}
}

// Unanswered logs that a request was answered 503.
func (l Log) Unanswered(account, flowID string, err error) {
	all := Of(account, err)
	if e := (*wechat.Error)(nil); len(all) == 0 && !isOneVisitors(err) && !errors.As(err, &e) {
		all = []Down{Sessions} // a store whose error does not say what failed
	}
	l.noteBy(slog.LevelError, "answered 503", all, account, flowID, err)
}

// Plain logs a failure, not as an outage. The caller limits it; left is the
// number of lines that it left out.
func (l Log) Plain(level slog.Level, left int, msg, account, flowID string, err error) {
	attrs := failureAttrs(account, flowID, err)
	if left > 0 {
		attrs = append(attrs, slog.Int("left_out", left))
	}
	l.Logger.LogAttrs(context.Background(), level, msg, attrs...)
}

// failureAttrs returns the account, the error, and what else is known.
func failureAttrs(account, flowID string, err error) []slog.Attr {
	attrs := []slog.Attr{slog.String("account", account), slog.Any("error", err)}
	if flowID != "" {
		attrs = append(attrs, slog.String("flow", flowID[:min(len(flowID), 8)]))
	}
	var e *wechat.Error
	if errors.As(err, &e) {
		attrs = append(attrs, e.LogAttrs()...)
	}
	return attrs
}
