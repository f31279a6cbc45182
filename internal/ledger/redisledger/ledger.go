package redisledger

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Ledger is a ledger.Ledger in Redis, shared by any number of instances. [New]
// makes it. Start is separate, so that a ledger can be made before its server
// is reachable.
//
// # What Redis must be set to
//
// The keys have no TTL, except for leases and for the keys that make an event
// count once. A maxmemory-policy of noeviction keeps them all; with volatile-*
// an event may be sent twice; allkeys-* would drop the whole ledger. Writes
// that a master answered just before it died can be lost; min-replicas-to-write
// limits that. Reads must go to the master: the client must not read from
// replicas.
//
// The clocks of the instances should agree within about a second: an event is
// due when the sender's clock has reached the time at which another instance
// queued it.
type Ledger struct {
	server

	near       personCache
	channel    channel
	stripes    stripes
	ends       ends
	banning    sync.Mutex // held while this instance changes bans
	unwritten  ledger.UnwrittenEnds
	targets    ledger.Targets
	unindexed  chan struct{} // an index is missing; made by New
	generation atomic.Uint64
	moved      atomic.Pointer[time.Time] // when Generation last moved because the channel was broken
}

var _ ledger.Ledger = (*Ledger)(nil)

// New makes a ledger. It does not ask Redis.
func New(o Options) *Ledger {
	l := &Ledger{server: server{Options: o}, unindexed: make(chan struct{}, 1)}
	l.ends.server = &l.server
	l.ends.bans.changed = func() { l.generation.Add(1) }
	return l
}

// Generation implements Ledger. It also moves, more than twice in each Stale,
// while changes of other instances may be missed, and once more when that is
// over: values computed until then may be older than the last announcement.
func (l *Ledger) Generation() uint64 {
	now, last := time.Now(), l.moved.Load()
	// A caller that computed a value since it last moved had answers that were
	// at most bound older.
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
