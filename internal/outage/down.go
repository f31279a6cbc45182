package outage

import (
	"errors"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// What a store is asked, where one call may fail while others work: a full disk can
// be read, and a Redis whose memory is full too.
const (
	CallSave  = "save"
	CallEnd   = "end"
	CallWrite = "write"
)

// What can be down.
var (
	Sessions = Down{What: "session store"}
	Save     = Down{What: "session store", Call: CallSave}
	End      = Down{What: "session store", Call: CallEnd}
	Ledger   = Down{What: "ledger"}
	Write    = Down{What: "ledger", Call: CallWrite}
)

// callError says which call of a store failed.
type callError struct {
	call string
	error
}

// Unwrap implements errors.Unwrap.
func (e callError) Unwrap() error { return e.error }

// During notes which call err is of; nil stays nil.
func During(call string, err error) error {
	if err == nil {
		return nil
	}
	return callError{call, err}
}

// notDown is an error that says "unavailable" while nothing is down.
type notDown struct{ error }

// Unwrap implements errors.Unwrap.
func (e notDown) Unwrap() error { return e.error }

// NotDown marks an error that says "unavailable" to one visitor while nothing is down.
func NotDown(err error) error { return notDown{err} }

// Of is what err says does not answer; if that is WeChat, at the account of this name.
// It is empty for what is one visitor's own.
func Of(account string, err error) []Down {
	switch {
	case isOneVisitors(err):
		return nil
	case errors.Is(err, wechat.ErrRetry), errors.Is(err, wechat.ErrStop), errors.Is(err, wechat.ErrUnavailable), errors.Is(err, wechat.ErrUncertain):
		d := Down{What: "WeChat", Account: account}
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
	var apart notDown
	return errors.Is(err, session.ErrOtherCookie) || errors.Is(err, ledger.ErrCorrupt) || errors.As(err, &apart)
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
		found[Down{What: Sessions.What, Call: call}] = true
	case errors.Is(err, ledger.ErrUnavailable):
		found[Down{What: Ledger.What, Call: call}] = true
	}
}

// Failing reports whether a store failed a moment ago. What it answers meanwhile may
// be from its memory.
func Failing(store any) bool {
	f, ok := store.(interface{ Failing() bool })
	return ok && f.Failing()
}
