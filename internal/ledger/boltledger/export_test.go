package boltledger

import "github.com/caddy-wechat/gateway/internal/ledger"

// Check is check, for tests that see the package from outside.
func (b *Bolt) Check() error { return b.check() }

// WithoutSync makes tests fast where what the disk has does not matter.
func (b *Bolt) WithoutSync() { b.file.db.NoSync = true }

// Limit makes the outbox small.
func (b *Bolt) Limit(waiting, dead int) { b.limits = ledger.Limits{Waiting: waiting, Dead: dead} }
