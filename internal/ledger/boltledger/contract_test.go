package boltledger_test

import (
	"path/filepath"
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger/boltledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

func TestBoltContract(t *testing.T) {
	ledgertest.Run(t, func(t *testing.T) *ledgertest.Subject {
		path := filepath.Join(t.TempDir(), "folder", "ledger.db")
		open := func(t *testing.T) *boltledger.Ledger {
			b, err := boltledger.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { b.Close() })
			return b
		}
		b := open(t)
		s := &ledgertest.Subject{Ledger: b, Check: func() error { return b.Check() }}
		s.Limit = func(waiting, dead int) { b.Limit(waiting, dead) }
		s.Reopen = func(t *testing.T) {
			if err := s.Ledger.Close(); err != nil {
				t.Fatal(err)
			}
			b = open(t)
			s.Ledger = b
		}
		return s
	})
}
