package ledger

import (
	"sync/atomic"
	"time"
)

// warnEvery is the shortest time between two equal warnings.
const warnEvery = time.Minute

// Warning keeps one warning from filling the log. The zero warning is ready.
type Warning struct{ last atomic.Int64 } // ns since 1970

// Due reports whether to warn now.
func (n *Warning) Due(now time.Time) bool {
	last := n.last.Load()
	return (last == 0 || now.UnixNano()-last >= int64(warnEvery)) && n.last.CompareAndSwap(last, now.UnixNano())
}
