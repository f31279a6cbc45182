package caddymodule

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/outage"
)

// measuredLedger counts the calls of a ledger. Calls that answer from memory
// alone, and those that walk the whole ledger for an operator, are not counted.
type measuredLedger struct {
	ledger.Ledger
	unwritten atomic.Bool // the last change could not be written
}

// Failing implements what [outage.Failing] asks for.
func (m *measuredLedger) Failing() bool { return outage.Failing(m.Ledger) }

// read counts a call that began at a time and changes nothing.
func (*measuredLedger) read(call string, begun time.Time, err error) {
	counts.timed(storeLedger, call, begun, err)
}

// wrote counts a call that began at a time and changes the ledger.
func (m *measuredLedger) wrote(call string, begun time.Time, err error) {
	m.read(call, begun, err)
	if err == nil || errors.Is(err, ledger.ErrUnavailable) && !errors.Is(err, context.Canceled) {
		m.unwritten.Store(err != nil)
	}
}

// Ready implements ledger.Ledger.
func (m *measuredLedger) Ready(ctx context.Context) error {
	begun := time.Now()
	err := m.Ledger.Ready(ctx)
	m.read(callReady, begun, err)
	return err
}

// Find implements ledger.Persons.
func (m *measuredLedger) Find(ctx context.Context, id string) (ledger.Person, error) {
	begun := time.Now()
	p, err := m.Ledger.Find(ctx, id)
	m.read(callFind, begun, err)
	return p, err
}

// FindOpenID implements ledger.Persons.
func (m *measuredLedger) FindOpenID(ctx context.Context, appID, openID string) (ledger.Person, error) {
	begun := time.Now()
	p, err := m.Ledger.FindOpenID(ctx, appID, openID)
	m.read(callFind, begun, err)
	return p, err
}

// FindUnionID implements ledger.Persons.
func (m *measuredLedger) FindUnionID(ctx context.Context, unionID string) (ledger.Person, error) {
	begun := time.Now()
	p, err := m.Ledger.FindUnionID(ctx, unionID)
	m.read(callFind, begun, err)
	return p, err
}

// Observe implements ledger.Persons.
func (m *measuredLedger) Observe(ctx context.Context, s ledger.Observation) (ledger.Person, error) {
	begun := time.Now()
	p, err := m.Ledger.Observe(ctx, s)
	m.wrote(callObserve, begun, err)
	return p, err
}

// Renew implements ledger.Persons.
func (m *measuredLedger) Renew(ctx context.Context, s ledger.Observation) error {
	begun := time.Now()
	err := m.Ledger.Renew(ctx, s)
	m.wrote(callRefresh, begun, err)
	return err
}

// Follow implements ledger.Persons.
func (m *measuredLedger) Follow(ctx context.Context, f ledger.Following) (ledger.Person, error) {
	begun := time.Now()
	p, err := m.Ledger.Follow(ctx, f)
	m.wrote(callRefresh, begun, err)
	return p, err
}

// Withdraw implements ledger.Rights.
func (m *measuredLedger) Withdraw(ctx context.Context, w ledger.Withdrawal) (ledger.Person, bool, error) {
	begun := time.Now()
	p, done, err := m.Ledger.Withdraw(ctx, w)
	m.wrote(callWithdraw, begun, err)
	return p, done, err
}

// Erase implements ledger.Rights.
func (m *measuredLedger) Erase(ctx context.Context, id string) error {
	begun := time.Now()
	err := m.Ledger.Erase(ctx, id)
	m.wrote(callWithdraw, begun, err)
	return err
}

// EraseInactive implements ledger.Lists.
func (m *measuredLedger) EraseInactive(ctx context.Context, id string, before time.Time) (bool, error) {
	begun := time.Now()
	erased, err := m.Ledger.EraseInactive(ctx, id, before)
	m.wrote(callWithdraw, begun, err)
	return erased, err
}

// Ban implements ledger.Bans.
func (m *measuredLedger) Ban(ctx context.Context, person string, at time.Time) error {
	begun := time.Now()
	err := m.Ledger.Ban(ctx, person, at)
	m.wrote(callBan, begun, err)
	return err
}

// Unban implements ledger.Bans.
func (m *measuredLedger) Unban(ctx context.Context, name string) error {
	begun := time.Now()
	err := m.Ledger.Unban(ctx, name)
	m.wrote(callBan, begun, err)
	return err
}

// EndSession implements ledger.Ends.
func (m *measuredLedger) EndSession(ctx context.Context, id [16]byte, until time.Time) error {
	begun := time.Now()
	err := m.Ledger.EndSession(ctx, id, until)
	m.wrote(callEnd, begun, err)
	return err
}

// EndPerson implements ledger.Ends.
func (m *measuredLedger) EndPerson(ctx context.Context, person string, at, until time.Time) error {
	begun := time.Now()
	err := m.Ledger.EndPerson(ctx, person, at, until)
	m.wrote(callEnd, begun, err)
	return err
}

// Tell implements ledger.Outbox.
func (m *measuredLedger) Tell(ctx context.Context, e ledger.Event) error {
	begun := time.Now()
	err := m.Ledger.Tell(ctx, e)
	m.wrote(callTell, begun, err)
	return err
}
