package outage

import (
	"errors"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// The calls of a store that may fail while others work: a full disk can still
// be read, and so can a Redis whose memory is full.
const (
	CallSave  = "save"
	CallEnd   = "end"
	CallWrite = "write"
)

// The services that can be down.
var (
	Sessions = Down{What: "session store"}
	Save     = Down{What: "session store", Call: CallSave}
	End      = Down{What: "session store", Call: CallEnd}
	Ledger   = Down{What: "ledger"}
	Write    = Down{What: "ledger", Call: CallWrite}
)

// callError names the call of a store that failed.
type callError struct {
	call string
	error
}

// Unwrap implements errors.Unwrap.
func (e callError) Unwrap() error { return e.error }

// During adds to err the call that failed; nil stays nil.
func During(call string, err error) error {
	if err == nil {
		return nil
	}
	return callError{call, err}
}

// notDown wraps an "unavailable" error although nothing is down.
type notDown struct{ error }

// Unwrap implements errors.Unwrap.
func (e notDown) Unwrap() error { return e.error }

// NotDown marks an error as "unavailable" to one visitor only, while nothing is
// down.
func NotDown(err error) error { return notDown{err} }

// Of returns what err says is down. If that is WeChat, it is down for the named
// account. Of returns nothing for an error that concerns one visitor only.
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

// isOneVisitors reports whether an error concerns one visitor only while the
// store works (attack: one visitor makes the log say that a store is down).
func isOneVisitors(err error) bool {
	var apart notDown
	return errors.Is(err, session.ErrOtherCookie) || errors.Is(err, ledger.ErrCorrupt) || errors.As(err, &apart)
}

// findDowns searches all errors that err wraps: several stores may have failed,
// each in another call.
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

// Failing reports whether a store failed a moment ago. Its answers may then
// come from its memory.
func Failing(store any) bool {
	f, ok := store.(interface{ Failing() bool })
	return ok && f.Failing()
}
