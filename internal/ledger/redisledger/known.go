package redisledger

import (
	"sync/atomic"
	"time"
)

// tombstonePatience is how long a call waits for the first reading of the
// tombstones. Redis answers within less, or not at all.
const tombstonePatience = 3 * time.Second

// latch holds up look-ups of ended sessions until an instance has read the
// tombstones (attack: a copied cookie, sent to a gateway at the moment of its
// start, would pass and be exchanged for a good one). The zero latch is open.
type latch struct{ shut atomic.Pointer[chan struct{}] }

func (l *latch) close() {
	c := make(chan struct{})
	l.shut.Store(&c)
}

func (l *latch) open() {
	if c := l.shut.Swap(nil); c != nil {
		close(*c)
	}
}

// pass waits until the latch is open. When it is open, pass costs one load of a
// pointer.
func (l *latch) pass() {
	c := l.shut.Load()
	if c == nil {
		return
	}
	patience := time.NewTimer(tombstonePatience)
	defer patience.Stop()
	select {
	case <-*c:
	case <-patience.C: // Redis is down; the caller's next call reports it
	}
}
