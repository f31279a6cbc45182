package caddymodule

import (
	"context"
	"errors"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/session"
)

// The stores, as metrics name them.
const (
	storeSessions = "sessions"
	storeLedger   = "ledger"
)

// The calls of the ledger, as metrics name them.
const (
	callReady    = "ready"
	callFind     = "find"
	callObserve  = "observe"
	callRefresh  = "refresh"
	callWithdraw = "withdraw"
	callEnd      = "end"
	callBan      = "ban"
	callTell     = "tell"
	callDeliver  = "deliver"
)

// storeCalls are the calls of each store.
var storeCalls = map[string][]string{
	storeSessions: {session.CallLoad, session.CallSave, session.CallRenew, session.CallEnd, session.CallReplace},
	storeLedger:   {callReady, callFind, callObserve, callRefresh, callWithdraw, callEnd, callBan, callTell, callDeliver},
}

// countCall counts a call of a store. An error counts if the store did not do
// its work, not if its answer is "there is no such person", and not if the
// caller went away (attack: clients that leave look like an outage).
func (c *countCollector) countCall(store, call string, took time.Duration, err error) {
	c.storeTimes.Of(store, call).Observe(took)
	down := errors.Is(err, session.ErrUnavailable) || errors.Is(err, ledger.ErrUnavailable)
	if down && !errors.Is(err, context.Canceled) {
		c.storeErrors.Of(store, call).Inc()
	}
}

// timed counts a call of a store that began at a time.
func (c *countCollector) timed(store, call string, begun time.Time, err error) {
	c.countCall(store, call, time.Since(begun), err)
}

// watchSessions returns what counts the calls of a cached session store.
func (c *countCollector) watchSessions() session.CacheWatch {
	return session.CacheWatch{
		Loaded: func(result session.CacheResult) { c.cache.Of(string(result)).Inc() },
		Called: func(call string, took time.Duration, err error) { c.countCall(storeSessions, call, took, err) },
	}
}
