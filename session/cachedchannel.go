package session

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/internal/heartbeat"
)

// Bus is a channel between instances: a message that one instance publishes
// reaches all subscribers, the sender too.
//
// Why Pub/Sub, and not the client-side caching of Redis (CLIENT TRACKING):
// go-redis supports that for standalone servers, database 0 and RESP3 only, not
// for Sentinel or Cluster; it does not report missed messages, as heartbeats
// do; and it would cache records, which would have to be decrypted on each hit.
// Nor is it faster. Measured on two cores, from the end of a session on one
// instance to its refusal on another that asks all the time: Pub/Sub 0.4 to 1.7
// ms (median; standalone, TLS, Sentinel, Cluster), client-side caching 4.5 ms.
// A hit costs 0.3 µs here, decrypted and checked, and 0.4 µs there, before
// decryption and checks.
type Bus interface {
	// Publish sends a message of at most 64 bytes.
	Publish(ctx context.Context, message string) error

	// Subscribe calls receive for each message, one after the other, in the
	// order sent, until ctx is done or a message may have been lost; then it
	// returns an error. It does not subscribe again by itself.
	Subscribe(ctx context.Context, receive func(message string)) error
}

const (
	maxMessage = 64
	sweepEvery = time.Minute
)

// cacheChannel is the part of a CachedStore that hears its channel.
type cacheChannel struct {
	mu    sync.Mutex
	stop  context.CancelFunc
	own   *heartbeat.Connection                // nil if it is shared with other listeners
	hears atomic.Pointer[heartbeat.Connection] // own or the shared one; nil before Start
}

// Start begins to listen to the channel and to prove that it works. It never
// waits and never fails: it tries a channel that cannot be reached until it
// can. Close stops it. Start does nothing after Start, or without a Bus.
func (n *CachedStore) Start() {
	c := &n.memory().channel
	c.mu.Lock()
	defer c.mu.Unlock()
	if n.Bus == nil || c.stop != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.stop = cancel
	n.memory().work.Go(func() { n.sweep(ctx) })
	listener := &cacheListener{near: n}
	if shared, ok := n.Bus.(*heartbeat.Channel); ok { // its owner starts and closes it
		shared.Listen(listener)
		c.hears.Store(shared.Connection)
		return
	}
	c.own = &heartbeat.Connection{Bus: oneChannel{n.Bus}, Every: max(n.stale()/4, 10*time.Millisecond)}
	c.own.Listen("", listener)
	c.hears.Store(c.own)
	c.own.Start()
}

// Close stops what Start began, and waits for it. A closed CachedStore still
// answers, from memory for Stale and from the store. Close the clients of the
// Bus and the store after it.
func (n *CachedStore) Close() error {
	c := &n.memory().channel
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stop != nil {
		c.stop()
	}
	n.memory().work.Wait()
	if c.own != nil {
		return c.own.Close()
	}
	return nil
}

// sweep drops, once a minute, entries that are of no use any more.
func (n *CachedStore) sweep(ctx context.Context) {
	every := time.NewTicker(sweepEvery)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			n.memory().cache.sweep(time.Now().Add(-n.staleIfDown()))
		case <-ctx.Done():
			return
		}
	}
}

// cacheListener hears the channel for a CachedStore.
type cacheListener struct {
	near  *CachedStore
	works bool // as logged last
}

// Begin implements heartbeat.Listener. Entries whose announcements may have
// been missed age: see CachedStore.fresh.
func (l *cacheListener) Begin() {
	if !l.works {
		l.works = true
		l.near.info("session channel works")
	}
}

// Break implements heartbeat.Listener.
func (l *cacheListener) Break(err error) {
	l.works = false
	l.near.warn("session channel broken", err)
}

// Receive implements heartbeat.Listener. Whatever the message says, at worst
// the store is asked for a session again.
func (l *cacheListener) Receive(message string) {
	if message == "" || len(message) > maxMessage {
		return
	}
	cache := &l.near.memory().cache
	kind, what := message[0], message[1:]
	switch kind {
	case 'p':
		cache.dropPerson(what)
	case 'e', 'c', 'l':
		if len(what) < tagLength {
			return
		}
		switch ref := what[tagLength:]; kind {
		case 'e':
			cache.dropRef(ref)
		case 'l':
			cache.dropLine(ref)
		default:
			cache.change(ref)
		}
	}
}

// oneChannel is a heartbeat.Bus of one channel; the Bus beneath it knows the
// channel's name.
type oneChannel struct{ bus Bus }

// Publish implements heartbeat.Bus.
func (o oneChannel) Publish(ctx context.Context, _, message string) error {
	return o.bus.Publish(ctx, message)
}

// Subscribe implements heartbeat.Bus.
func (o oneChannel) Subscribe(ctx context.Context, channels []string, receive func(channel, message string)) error {
	return o.bus.Subscribe(ctx, func(message string) { receive(channels[0], message) })
}
