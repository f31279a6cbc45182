package redisledger

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/internal/heartbeat"
	"github.com/caddy-wechat/gateway/internal/ledger"
)

// The first letter of a message. The letter b is not free: package heartbeat has it.
const (
	sayNews  = 'n' // the persons with these ids changed: stamp, colon, ids with commas
	sayTimes = 't' // the same, but only times changed
	sayEnded = 'e' // tombstones were added: with spaces, each as in the store
)

const maxMessage = 16 << 10

// channel is what an instance hears. The channel's name has the hash tag of the keys, so that in a Cluster the node that
// holds the ledger is the one that carries the channel.
type channel struct {
	mu    sync.Mutex
	stop  context.CancelFunc
	ended bool
	own   *heartbeat.Connection                // nil if it is shared: see Options.Heartbeat
	hears atomic.Pointer[heartbeat.Connection] // either; nil before Start
	begun chan struct{}                        // an unbroken time has begun; made by Start
}

// covers says whether a change of what was read at t would have been heard of.
func (l *Ledger) covers(t, now time.Time) bool {
	return l.channel.hears.Load().Covers(t, now, l.bound())
}

// works says whether nothing has been missed, but for what was announced in the last moment: all tombstones that were
// added since they were last read have been heard of.
func (l *Ledger) works(now time.Time) bool {
	read := l.ends.read.Load()
	return read != nil && l.covers(*read, now)
}

// Start begins to listen to the channel. It never waits and never fails: a Redis that cannot be reached is tried again
// for as long as it takes. Close ends it. Starting twice does nothing. Without it everything works, but Redis is asked
// about each person twice in each Stale.
func (l *Ledger) Start() {
	c := &l.channel
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stop != nil || c.ended {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.stop = cancel
	l.ends.known.close()
	l.ends.announced.wake, c.begun = make(chan struct{}, 1), make(chan struct{}, 1)
	hears := l.Heartbeat
	if hears == nil {
		c.own = &heartbeat.Connection{Bus: heartbeat.Redis{Client: l.Client}, Every: l.every()}
		hears = c.own
	}
	hears.Listen(l.key("news"), listener{l})
	c.hears.Store(hears)
	l.work.Go(func() { l.ends.confirmAnnounced(ctx) })
	l.work.Go(func() { l.readMissedTombstones(ctx) })
	if c.own != nil {
		c.own.Start()
	}
}

// every is how often heartbeats are sent, if nobody else decides that.
func (l *Ledger) every() time.Duration { return max(l.bound()/4, 10*time.Millisecond) }

// end ends what Start began, but for what l.work counts.
func (c *channel) end() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.stop != nil {
		c.stop()
	}
	if c.own != nil {
		return c.own.Close()
	}
	return nil
}

// readMissedTombstones reads the tombstones as long as some of them may not have been heard of: at the beginning, when
// the channel begins to work, and while it does not.
func (l *Ledger) readMissedTombstones(ctx context.Context) {
	again := time.NewTicker(4 * l.every())
	defer again.Stop()
	for {
		if !l.works(time.Now()) {
			_ = l.ends.loadTombstones(ctx) // tried again soon
		}
		select {
		case <-again.C:
		case <-l.channel.begun:
			l.work.Go(func() { l.checkServers(ctx) }) // tombstones do not wait for it
		case <-ctx.Done():
			return
		}
	}
}

// listener hears the channel for a Ledger.
type listener struct{ ledger *Ledger }

// Begin implements heartbeat.Listener.
func (h listener) Begin() {
	h.ledger.generation.Add(1)
	select {
	case h.ledger.channel.begun <- struct{}{}:
	default: // not taken yet
	}
}

// Break implements heartbeat.Listener.
func (h listener) Break(err error) {
	h.ledger.generation.Add(1)
	if h.ledger.Logger != nil {
		h.ledger.Logger.Warn("the ledger's channel is broken: Redis is asked more often", "error", err)
	}
}

// Receive implements heartbeat.Listener. Whatever a message says, and whatever program sent it, Redis is asked again,
// and what it says counts. A flood of messages costs questions, so many in a second, and bounded memory.
func (h listener) Receive(message string) {
	l := h.ledger
	if len(message) < 2 || len(message) > maxMessage {
		return
	}
	kind, what := message[0], message[1:]
	switch kind {
	case sayEnded:
		l.ends.announce(what)
	case sayNews, sayTimes:
		stamp, rest, _ := strings.Cut(what, ":")
		ids := strings.Split(rest, ",")
		for _, id := range ids {
			if !ledger.ValidID(id) {
				return
			}
		}
		if l.near.announced(stamp, ids) && kind == sayNews {
			l.generation.Add(1)
		}
	}
}

// sleep waits, and says whether the context is still good.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
