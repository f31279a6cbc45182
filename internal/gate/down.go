package gate

import (
	"errors"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// What a store is asked, where one call may fail while others work: a full disk can
// be read, and a Redis whose memory is full too.
const (
	callSave  = "save"
	callEnd   = "end"
	callWrite = "write"
)

// What can be down.
var (
	downSessions = Down{What: "session store"}
	downSave     = Down{What: "session store", Call: callSave}
	downEnd      = Down{What: "session store", Call: callEnd}
	downLedger   = Down{What: "ledger"}
	downWrite    = Down{What: "ledger", Call: callWrite}
)

// callError says which call of a store failed.
type callError struct {
	call string
	error
}

func (e callError) Unwrap() error { return e.error }

// during notes which call err is of; nil stays nil.
func during(call string, err error) error {
	if err == nil {
		return nil
	}
	return callError{call, err}
}

// downs is what err says does not answer, at an account if it is WeChat. It is empty
// for what is one visitor's own.
func downs(a Account, err error) []Down {
	switch {
	case isOneVisitors(err), errors.Is(err, errCrowded):
		return nil
	case errors.Is(err, wechat.ErrRetry), errors.Is(err, wechat.ErrStop), errors.Is(err, wechat.ErrUnavailable), errors.Is(err, wechat.ErrUncertain):
		d := Down{What: "WeChat", Account: a.Name}
		if e := (*wechat.Error)(nil); errors.As(err, &e) {
			d.Call = e.Op
		}
		return []Down{d}
	}
	found := make(map[Down]bool)
	findDowns(err, "", found)
	all := make([]Down, 0, len(found))
	for d := range found {
		all = append(all, d)
	}
	return all
}

// isOneVisitors reports what is not available to one visitor, while the store is well
// (attack: one visitor makes the log say that a store is down).
func isOneVisitors(err error) bool {
	return errors.Is(err, session.ErrOtherCookie) || errors.Is(err, ledger.ErrCorrupt) || errors.Is(err, errWithdrawn)
}

// findDowns looks at all that err wraps: several stores may have failed, each in
// another call.
func findDowns(err error, call string, found map[Down]bool) {
	if e, ok := any(err).(callError); ok {
		call = e.call
	}
	switch e := any(err).(type) {
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			findDowns(inner, call, found)
		}
		return
	case interface{ Unwrap() error }:
		findDowns(e.Unwrap(), call, found)
		return
	}
	switch {
	case errors.Is(err, session.ErrUnavailable):
		found[Down{What: downSessions.What, Call: call}] = true
	case errors.Is(err, ledger.ErrUnavailable):
		found[Down{What: downLedger.What, Call: call}] = true
	}
}

// worked notes that something answered.
func (g *Gate) worked(downs ...Down) { g.Hub.Results.outages.Worked(g.Logger, downs...) }

// workedUnlessFailing notes that a store answered, if it was not from its memory. It
// is asked at each request.
func (g *Gate) workedUnlessFailing(store any, d Down) {
	if g.Hub.Results.outages.open.Load() > 0 && !failing(store) {
		g.worked(d)
	}
}

// answered notes what WeChat's answer to a call says of WeChat: a refusal is an
// answer, too.
func (g *Gate) answered(a Account, err error, calls ...string) {
	if len(downs(a, err)) > 0 {
		return
	}
	for _, call := range calls {
		g.worked(Down{What: "WeChat", Account: a.Name, Call: call})
	}
}

// failing reports whether a store failed a moment ago. What it answers meanwhile may
// be from its memory.
func failing(store any) bool {
	f, ok := store.(interface{ Failing() bool })
	return ok && f.Failing()
}
