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

// The first letter of a message. The letter b is taken by package heartbeat.
const (
	sayNews  = 'n' // the persons with these ids changed: stamp, colon, ids separated by commas
	sayTimes = 't' // as sayNews, but only times changed
	sayEnded = 'e' // tombstones were added: each as in the store, separated by spaces
)

const maxMessage = 16 << 10

// channel is the Pub/Sub channel of an instance. Its name has the hash tag of
// the keys, so that in a Cluster the node that holds the ledger also carries
// the channel.
type channel struct {
	mu    sync.Mutex
	stop  context.CancelFunc
	ended bool
	own   *heartbeat.Connection                // nil if it is shared: see Options.Heartbeat
	hears atomic.Pointer[heartbeat.Connection] // own or the shared one; nil before Start
	begun chan struct{}                        // an unbroken time has begun; made by Start
}

// covers reports whether every change since t has been heard.
func (l *Ledger) covers(t, now time.Time) bool {
	return l.channel.hears.Load().Covers(t, now, l.bound())
}

// works reports whether no announcement has been missed, except within the last
// moment: all tombstones added since they were last read have been heard.
func (l *Ledger) works(now time.Time) bool {
	read := l.ends.read.Load()
	return read != nil && l.covers(*read, now)
}

// Start begins to listen to the channel. It never waits and never fails: it
// tries a Redis that cannot be reached until it can. Close stops it. A second
// Start does nothing. Without Start everything works, but Redis is asked for
// each person twice in each Stale.
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
	l.work.Go(func() { l.reindex(ctx) })
	if c.own != nil {
		c.own.Start()
	}
}

// every returns the time between heartbeats of the ledger's own connection.
func (l *Ledger) every() time.Duration { return max(l.bound()/4, 10*time.Millisecond) }

// end stops what Start began, except for the goroutines that l.work counts.
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

// readMissedTombstones reads the tombstones as long as some may have been
// missed: at the start, when the channel begins to work, and while it does not
// work.
func (l *Ledger) readMissedTombstones(ctx context.Context) {
	again := time.NewTicker(4 * l.every())
	defer again.Stop()
	for {
		if !l.works(time.Now()) {
			_ = l.ends.loadTombstones(ctx) // a failure is retried soon
		}
		select {
		case <-again.C:
		case <-l.channel.begun:
			l.work.Go(func() { l.checkServers(ctx) }) // the tombstones do not wait for this
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
	default: // the last signal was not received yet
	}
}

// Break implements heartbeat.Listener.
func (h listener) Break(err error) {
	h.ledger.generation.Add(1)
	if h.ledger.Logger != nil {
		h.ledger.Logger.Warn("the ledger's channel is broken; Redis is asked more often", "error", err)
	}
}

// Receive implements heartbeat.Listener. Messages are not trusted, because any
// program may have sent them: Redis is asked again. A flood of messages costs a
// limited number of calls in a second, and limited memory.
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

// sleep waits, and reports whether the context is still alive.
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
