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
	mark       = "b" // begins a heartbeat; then the sender's name, a colon, and when it was sent
	maxLength  = 64  // of a heartbeat
	retry      = 100 * time.Millisecond
	retryLimit = time.Second
	silence    = 4 // heartbeats that do not come back are a silence
)

// Connection is the one subscription of a process, and the heartbeat on it. Give it
// listeners, then Start it. Its fields must not change after that.
type Connection struct {
	// Bus is required.
	Bus Bus

	// Every is how often a heartbeat is sent. Zero means DefaultEvery. Where a moment
	// is asked about in Covers, four heartbeats should have room in it.
	Every time.Duration

	mu        sync.Mutex
	stop      context.CancelFunc
	closed    bool
	channels  []string // in the order of Listen
	listeners map[string]Listener
	work      sync.WaitGroup

	name  string    // of this process, in its heartbeats
	born  time.Time // heartbeats say how long after this they were sent
	heard heard
	spans spans
}

// heard is when the last heartbeat that came back was sent and when it came, after
// Connection.born. Only the subscription touches it.
type heard struct{ sent, came time.Duration }

// Listen has a listener hear a channel; one for each, and before Start. Heartbeats
// travel on the channel that is named first. In a Redis Cluster, the node that has
// that channel carries the connection: let it be the node on which announcements
// must not be missed.
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

// Start begins to listen and to send heartbeats. It never waits and never fails: a
// Redis that cannot be reached is tried again for as long as it takes. Close ends
// it. Start after Start, after Close, or without a listener, does nothing.
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

// Close ends what Start began, and waits for it. After it nothing is covered. Close
// the client of Redis afterwards.
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

// listen keeps a subscription.
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

// beat sends heartbeats. Whether one was sent says nothing: that it comes back does.
func (c *Connection) beat(ctx context.Context) {
	for sleep(ctx, c.every()) {
		once, cancel := context.WithTimeout(ctx, silence*c.every())
		sent := strconv.FormatInt(int64(time.Since(c.born)), 10)
		_ = c.Bus.Publish(once, c.channels[0], mark+c.name+":"+sent)
		cancel()
	}
}

// receive takes in one message. Heartbeats are for nobody else.
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

// hear takes in a heartbeat, if it is ours and a new one.
func (c *Connection) hear(what string) {
	name, at, _ := strings.Cut(what, ":")
	if name != c.name {
		return
	}
	now := time.Now()
	came := now.Sub(c.born)
	ns, err := strconv.ParseInt(at, 10, 64)
	sent := time.Duration(ns)
	if err != nil || sent <= c.heard.sent || sent > came { // one from the future is forged
		return
	}
	limit := silence * c.every()
	silent := sent-c.heard.sent > limit || came-c.heard.came > limit
	c.heard = heard{sent, came}
	// A span begins now, not when the heartbeat was sent: the subscription may have
	// begun while it was on its way. After a silence the same holds: whatever caused
	// it may have swallowed more than heartbeats.
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
