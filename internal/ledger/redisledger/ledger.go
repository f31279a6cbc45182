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

	near       near
	channel    channel
	stripes    stripes
	ends       ends
	unwritten  ledger.UnwrittenEnds
	targets    ledger.Targets
	generation atomic.Uint64
	moved      atomic.Int64 // when Generation last moved because the channel was broken, ns since 1970
}

var _ ledger.Ledger = (*Ledger)(nil)

// New makes a ledger. It does not ask Redis.
func New(o Options) *Ledger {
	l := &Ledger{server: server{Options: o}}
	l.ends.server = &l.server
	return l
}

// Generation implements Ledger. It also moves, more than twice in each Stale, while changes of other instances may be
// missed.
func (l *Ledger) Generation() uint64 {
	now := time.Now()
	if !l.channel.works(now, l.bound()) {
		last := l.moved.Load()
		if now.UnixNano()-last >= int64(l.bound()) && l.moved.CompareAndSwap(last, now.UnixNano()) {
			l.generation.Add(1)
		}
	}
	return l.generation.Load() + 1
}

// Close implements Ledger. It leaves the Client open.
func (l *Ledger) Close() error {
	l.shut()
	l.channel.end()
	l.ends.known.open()
	l.work.Wait()
	return nil
}
