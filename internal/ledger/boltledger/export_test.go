package boltledger

import "github.com/caddy-wechat/gateway/internal/ledger"

// Limit makes the outbox small.
func (l *Ledger) Limit(waiting, dead int) { l.limits = ledger.Limits{Waiting: waiting, Dead: dead} }
