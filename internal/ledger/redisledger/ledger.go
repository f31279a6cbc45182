package redisledger

import (
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Ledger is a ledger.Ledger in Redis, shared by any number of instances. It is made by [New]. Start and Close are
// separate, so that it can be made before its server is there.
//
// # What Redis must be set to
//
// The keys have no TTL, but for leases and for what makes an event count once: a maxmemory-policy of noeviction keeps
// them all, volatile-* may let something be told twice, allkeys-* would throw the whole ledger away. What a master
// answered just before it died can be lost to its replicas; min-replicas-to-write bounds that. Reads go to the master:
// the client must not read from replicas.
//
// The clocks of the instances should agree within a second or so: an event is due once the clock of whoever sends it has
// reached that of whoever kept it.
type Ledger struct {
	server

	near       personCache
	channel    channel
	stripes    stripes
	ends       ends
	unwritten  ledger.UnwrittenEnds
	targets    ledger.Targets
	generation atomic.Uint64
	moved      atomic.Pointer[time.Time] // when Generation last moved because the channel was broken
}

var _ ledger.Ledger = (*Ledger)(nil)

// New makes a ledger. It does not ask Redis.
func New(o Options) *Ledger {
	l := &Ledger{server: server{Options: o}}
	l.ends.server = &l.server
	return l
}

// Generation implements Ledger. It also moves, more than twice in each Stale, while changes of other instances may be
// missed, and once more when that is over: what was prepared until then was older than what is heard of.
func (l *Ledger) Generation() uint64 {
	now, last := time.Now(), l.moved.Load()
	// Who prepared something since it last moved had answers that were at most bound older.
	settled := last != nil && l.works(now) && l.covers(last.Add(-l.bound()), now)
	if !settled && (last == nil || now.Sub(*last) >= l.bound()) {
		at := now
		if l.moved.CompareAndSwap(last, &at) {
			l.generation.Add(1)
		}
	}
	return l.generation.Load() + 1
}

// Close implements Ledger. It leaves the Client open.
func (l *Ledger) Close() error {
	l.shut()
	err := l.channel.end()
	l.ends.known.open()
	l.work.Wait()
	return err
}
