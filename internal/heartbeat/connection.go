package heartbeat

import (
	"context"
	"crypto/rand"
	"strconv"
	"strings"
	"sync"
	"time"
)

// DefaultEvery is how often a heartbeat is sent.
const DefaultEvery = 100 * time.Millisecond

const (
	mark       = "b" // start of a heartbeat; the sender's name, a colon and the time of sending follow
	maxLength  = 64  // of a heartbeat
	retry      = 100 * time.Millisecond
	retryLimit = time.Second
	silence    = 4 // this many missing heartbeats are a silence
)

// Connection is the one subscription of a process, with its heartbeat. Add the
// listeners, then call Start. The fields must not change after that.
type Connection struct {
	// Bus is required.
	Bus Bus

	// Every is how often a heartbeat is sent. Zero means DefaultEvery. The
	// duration given to Covers should have room for four heartbeats.
	Every time.Duration

	mu        sync.Mutex
	stop      context.CancelFunc
	closed    bool
	channels  []string // in the order of Listen
	listeners map[string]Listener
	work      sync.WaitGroup

	name  string    // of this process, in its heartbeats
	born  time.Time // heartbeats give their time of sending relative to this
	heard heard
	spans spans
}

// heard holds when the last heartbeat that came back was sent and when it came,
// relative to Connection.born. Only the subscription touches it.
type heard struct{ sent, came time.Duration }

// Listen registers the listener of a channel, before Start; each channel has
// one. Heartbeats travel on the first channel that is registered. In a Redis
// Cluster the node of that channel carries the connection, so register first
// the channel whose announcements must not be missed.
func (c *Connection) Listen(channel string, l Listener) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.listeners == nil {
		c.listeners = make(map[string]Listener)
	}
	if c.listeners[channel] == nil {
		c.channels = append(c.channels, channel)
	}
	c.listeners[channel] = l
}

// Start begins to listen and to send heartbeats. It never waits and never
// fails: it tries a Redis that cannot be reached until it can. Close stops it.
// Start does nothing after Start, after Close, or without a listener.
func (c *Connection) Start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stop != nil || c.closed || len(c.channels) == 0 {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.stop, c.name, c.born = cancel, rand.Text()[:16], time.Now()
	c.work.Go(func() { c.listen(ctx) })
	c.work.Go(func() { c.beat(ctx) })
}

// Close stops what Start began, and waits for it. After Close no time is
// covered. Close the Redis client afterwards.
func (c *Connection) Close() error {
	c.mu.Lock()
	c.closed = true
	if c.stop != nil {
		c.stop()
	}
	c.mu.Unlock()
	c.work.Wait()
	return nil
}

// listen keeps the subscription alive.
func (c *Connection) listen(ctx context.Context) {
	pause, first := retry, true
	for {
		err := c.Bus.Subscribe(ctx, c.channels, c.receive)
		worked := c.spans.end()
		if ctx.Err() != nil {
			return
		}
		if worked {
			pause = retry
		}
		if worked || first {
			for _, channel := range c.channels {
				c.listeners[channel].Break(err)
			}
		}
		first = false
		if !sleep(ctx, pause) {
			return
		}
		pause = min(2*pause, retryLimit)
	}
}

// beat sends heartbeats. It ignores errors: only a heartbeat that comes back
// counts.
func (c *Connection) beat(ctx context.Context) {
	for sleep(ctx, c.every()) {
		once, cancel := context.WithTimeout(ctx, silence*c.every())
		sent := strconv.FormatInt(int64(time.Since(c.born)), 10)
		_ = c.Bus.Publish(once, c.channels[0], mark+c.name+":"+sent)
		cancel()
	}
}

// receive handles one message. It passes no heartbeat on to listeners.
func (c *Connection) receive(channel, message string) {
	if what, ok := strings.CutPrefix(message, mark); ok {
		if channel == c.channels[0] && len(message) <= maxLength {
			c.hear(what)
		}
		return
	}
	if l := c.listeners[channel]; l != nil {
		l.Receive(message)
	}
}

// hear handles a heartbeat, if this process sent it and it is a new one.
func (c *Connection) hear(what string) {
	name, at, _ := strings.Cut(what, ":")
	if name != c.name {
		return
	}
	now := time.Now()
	came := now.Sub(c.born)
	ns, err := strconv.ParseInt(at, 10, 64)
	sent := time.Duration(ns)
	if err != nil || sent <= c.heard.sent || sent > came { // a heartbeat from the future is forged
		return
	}
	limit := silence * c.every()
	silent := sent-c.heard.sent > limit || came-c.heard.came > limit
	c.heard = heard{sent, came}
	// A span begins now, not when the heartbeat was sent: the subscription may
	// have begun in between. After a silence too: what caused the silence may
	// have swallowed announcements.
	if !c.spans.hear(now, c.born.Add(sent), silent) {
		return
	}
	for _, channel := range c.channels {
		c.listeners[channel].Begin()
	}
}

func (c *Connection) every() time.Duration {
	if c.Every <= 0 {
		return DefaultEvery
	}
	return c.Every
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
