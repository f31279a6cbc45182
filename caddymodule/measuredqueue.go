package caddymodule

import (
	"context"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Due implements ledger.Queue.
func (m *measuredLedger) Due(ctx context.Context, target string, now time.Time, limit int) ([]ledger.Delivery, time.Time, error) {
	begun := time.Now()
	due, next, err := m.Ledger.Due(ctx, target, now, limit)
	m.read(callDeliver, begun, err)
	return due, next, err
}

// Sent implements ledger.Queue.
func (m *measuredLedger) Sent(ctx context.Context, target, id string) error {
	begun := time.Now()
	err := m.Ledger.Sent(ctx, target, id)
	m.wrote(callDeliver, begun, err)
	return err
}

// Postpone implements ledger.Queue.
func (m *measuredLedger) Postpone(ctx context.Context, target, id string, next time.Time, reason string) error {
	begun := time.Now()
	err := m.Ledger.Postpone(ctx, target, id, next, reason)
	m.wrote(callDeliver, begun, err)
	return err
}

// Bury implements ledger.Queue.
func (m *measuredLedger) Bury(ctx context.Context, target, id, reason string) error {
	begun := time.Now()
	err := m.Ledger.Bury(ctx, target, id, reason)
	m.wrote(callDeliver, begun, err)
	return err
}
