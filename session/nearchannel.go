package session

import (
	"context"
	"crypto/rand"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Bus is a channel between the instances: what one publishes, all that are
// subscribed receive, the sender too.
//
// Why Pub/Sub, and not the client-side caching of Redis (CLIENT TRACKING):
// go-redis has that for standalone servers, database 0 and RESP3 only, not for
// Sentinel or Cluster; it does not say when it misses something, as heartbeats do;
// and it would keep records, that had to be decrypted on each hit. Nor is it
// faster. Measured on two cores, from the end on one instance to the refusal on
// another that asks all the time: Pub/Sub 0.4 to 1.7 ms (median; standalone, TLS,
// Sentinel, Cluster), client-side caching 4.5 ms. A hit costs 0.3 µs here, decrypted
// and checked, and 0.4 µs there, before either.
type Bus interface {
	// Publish sends a message of at most 64 bytes.
	Publish(ctx context.Context, message string) error

	// Subscribe calls receive for each message, one after the other, in the order
	// sent, until ctx is done or a message may have been lost; then it returns an
	// error. It does not subscribe again by itself.
	Subscribe(ctx context.Context, receive func(message string)) error
}

const (
	maxMessage    = 64
	busRetry      = 100 * time.Millisecond
	busRetryLimit = time.Second
	sweepEvery    = time.Minute
)

// nearChannel is what a Near knows of its channel.
type nearChannel struct {
	mu   sync.Mutex
	stop context.CancelFunc
	name string    // of this instance, in its heartbeats
	born time.Time // heartbeats say how long after this they were sent

	// since is when the unbroken subscription began, proven when the last heartbeat
	// that came back was sent; both in ns after born, 0 if there is none.
	since, proven atomic.Int64
}

// covers says whether everything announced after t has been received, but for
// what was announced in the last stale.
func (c *nearChannel) covers(t, now time.Time, stale time.Duration) bool {
	since := c.since.Load()
	if since == 0 {
		return false
	}
	return t.Sub(c.born) > time.Duration(since) && now.Sub(c.born)-time.Duration(c.proven.Load()) < stale
}

// Start begins to listen to the channel and to prove that it works. It never
// waits and never fails: a channel that cannot be reached is tried again for as
// long as it takes. Close ends it. Start after Start, or without a Bus, does nothing.
func (n *Near) Start() {
	n.memory().channel.mu.Lock()
	defer n.memory().channel.mu.Unlock()
	if n.Bus == nil || n.memory().channel.stop != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.memory().channel.stop = cancel
	n.memory().channel.name = rand.Text()[:16]
	n.memory().channel.born = time.Now()
	n.memory().work.Go(func() { n.listen(ctx) })
	n.memory().work.Go(func() { n.beat(ctx) })
}

// Close ends what Start began, and waits for it. A Near that is closed still
// answers, from what it knows for Stale and from the store. Close the Bus's and
// the store's client after it.
func (n *Near) Close() error {
	n.memory().channel.mu.Lock()
	if n.memory().channel.stop != nil {
		n.memory().channel.stop()
	}
	n.memory().channel.mu.Unlock()
	n.memory().work.Wait()
	return nil
}

// listen keeps a subscription.
func (n *Near) listen(ctx context.Context) {
	pause, first := busRetry, true
	for {
		n.memory().channel.since.Store(0)
		err := n.Bus.Subscribe(ctx, n.receive)
		worked := n.memory().channel.since.Swap(0) != 0
		if ctx.Err() != nil {
			return
		}
		if worked {
			pause = busRetry
		}
		if worked || first { // at the beginning too: a wrong address must be seen before a visitor sees it
			n.warn("session channel broken", err)
		}
		first = false
		if !sleep(ctx, pause) {
			return
		}
		pause = min(2*pause, busRetryLimit)
	}
}

// beat publishes a heartbeat several times in each Stale, and sweeps.
func (n *Near) beat(ctx context.Context) {
	every := max(n.stale()/4, 10*time.Millisecond)
	swept := time.Now()
	for sleep(ctx, every) {
		sent := time.Since(n.memory().channel.born)
		once, cancel := context.WithTimeout(ctx, n.stale())
		// An error is no news: listen says when the channel breaks.
		_ = n.Bus.Publish(once, "b"+n.memory().channel.name+":"+strconv.FormatInt(int64(sent), 10))
		cancel()
		if now := time.Now(); now.Sub(swept) > sweepEvery {
			n.memory().cache.sweep(now.Add(-n.staleIfDown()))
			swept = now
		}
	}
}

// receive takes in one message. Whatever it is, the worst it does is that a
// session is asked for again.
func (n *Near) receive(message string) {
	if message == "" || len(message) > maxMessage {
		return
	}
	kind, what := message[0], message[1:]
	switch kind {
	case 'b':
		n.hear(what)
	case 'p':
		n.memory().cache.dropPerson(what)
	case 'e', 'c', 'l':
		if len(what) < tagLength {
			return
		}
		switch ref := what[tagLength:]; kind {
		case 'e':
			n.memory().cache.dropRef(ref)
		case 'l':
			n.memory().cache.dropLine(ref)
		default:
			n.memory().cache.change(ref)
		}
	}
}

// hear takes in a heartbeat of our own.
func (n *Near) hear(what string) {
	name, at, _ := strings.Cut(what, ":")
	if name != n.memory().channel.name {
		return
	}
	sent, err := strconv.ParseInt(at, 10, 64)
	if err != nil || sent <= n.memory().channel.proven.Load() || sent > int64(time.Since(n.memory().channel.born)) {
		return
	}
	// From now on nothing is missed, not from when it was sent: the subscription
	// may have begun while the first heartbeat was on its way. After a silence the
	// same holds: whatever caused it may have swallowed more than heartbeats.
	now := int64(time.Since(n.memory().channel.born))
	first := n.memory().channel.since.Load() == 0
	if first || now-n.memory().channel.proven.Load() > int64(n.stale()) {
		n.memory().channel.since.Store(now) // before proven: covers must not see the old one
	}
	n.memory().channel.proven.Store(sent)
	if first {
		n.info("session channel works")
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
