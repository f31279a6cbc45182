package redisledger

import (
	"sync/atomic"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// ends is what an instance knows of the tombstones in Redis.
type ends struct {
	*server
	sessions  ledger.EndedSessions
	persons   ledger.EndedPersons
	announced announced
	known     latch        // shut from Start until the tombstones are read
	stamp     atomic.Value // string: that of the last change of the tombstones before they were last read
}
