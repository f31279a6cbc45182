package boltledger

import "github.com/caddy-wechat/gateway/internal/ledger"

// Check is check, for tests that see the package from outside.
func (l *Ledger) Check() error { return l.check() }

// WithoutSync makes tests fast where what the disk has does not matter.
func (l *Ledger) WithoutSync() { l.file.db.NoSync = true }

// Limit makes the outbox small.
func (l *Ledger) Limit(waiting, dead int) { l.limits = ledger.Limits{Waiting: waiting, Dead: dead} }
