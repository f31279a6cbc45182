package boltledger

import (
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

// TestFileOfBeforeRooms: a file that a gateway wrote when each store was not
// yet a package is read and written on.
func TestFileOfBeforeRooms(t *testing.T) {
	t.Parallel()
	b := testBolt(t, unpacked(t, "before-rooms.db.gz"))
	ledgertest.Before(t, b)
	if err := b.Check(); err != nil {
		t.Error(err)
	}
}
