package redisledger

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// The first letter of a message.
const (
	sayNews  = 'n' // the persons with these ids changed: stamp, colon, ids with commas
	sayTimes = 't' // the same, but only times changed
	sayEnded = 'e' // tombstones were added: with spaces, each as in the store
	sayBeat  = 'b' // a heartbeat: name of the instance, colon, when it was sent
)

const (
	maxMessage   = 16 << 10
	channelRetry = 100 * time.Millisecond
	channelLimit = time.Second
	silence      = 5 * time.Second // of a subscription, after which it counts as broken
)

// channel is what an instance knows of the channel on which changes are announced. Its name has the hash tag of the
// keys, so that in a Cluster the node that holds the ledger is the one that carries the channel.
type channel struct {
	mu    sync.Mutex
	stop  context.CancelFunc
	ended bool
	name  string    // of this instance, in its heartbeats
	born  time.Time // heartbeats say how long after this they were sent

	now, last atomic.Pointer[span]
}

// span is a time in which no announcement was missed: the life of one subscription, up to the last heartbeat of ours
// that came back on it. Messages of one connection come in order: had one been lost, none would have come after it.
type span struct {
	since  time.Time
	proven atomic.Int64 // ns after since
}

func (s *span) until() time.Time { return s.since.Add(time.Duration(s.proven.Load())) }

// works says whether nothing has been missed, but for what was announced in the last moment.
func (c *channel) works(now time.Time, moment time.Duration) bool {
	s := c.now.Load()
	return s != nil && now.Sub(s.until()) < moment
}

// covers says whether a change of what was read at t would have been heard of.
func (c *channel) covers(t, now time.Time, moment time.Duration) bool {
	s := c.now.Load()
	return s != nil && t.After(s.since) && now.Sub(s.until()) < moment
}

// confirmed is until when what was read at t was certainly still so.
func (c *channel) confirmed(t time.Time) time.Time {
	for _, p := range []*atomic.Pointer[span]{&c.now, &c.last} {
		if s := p.Load(); s != nil && t.After(s.since) {
			if until := s.until(); until.After(t) {
				return until
			}
			return t
		}
	}
	return t
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
	c.stop, c.name, c.born = cancel, rand.Text()[:16], time.Now()
	l.ends.known.close()
	l.ends.announced.wake = make(chan struct{}, 1)
	l.work.Go(func() { l.ends.confirmAnnounced(ctx) })
	l.work.Go(func() { l.listen(ctx) })
	l.work.Go(func() { l.beat(ctx) })
}

func (c *channel) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.stop != nil {
		c.stop()
	}
}

// listen keeps a subscription.
func (l *Ledger) listen(ctx context.Context) {
	pause, first := channelRetry, true
	for {
		err := l.subscribe(ctx)
		s := l.channel.now.Swap(nil)
		if s != nil {
			l.channel.last.Store(s)
			l.generation.Add(1)
			pause = channelRetry
		}
		// At the beginning too: a wrong address must not wait for the first visitor to be seen.
		if (s != nil || first) && l.Logger != nil && ctx.Err() == nil {
			l.Logger.Warn("the ledger's channel is broken: Redis is asked more often", "error", err)
		}
		first = false
		if !sleep(ctx, pause) {
			return
		}
		pause = min(2*pause, channelLimit)
	}
}

// subscribe receives until the connection breaks.
func (l *Ledger) subscribe(ctx context.Context) error {
	sub := l.Client.Subscribe(ctx, l.key("news"))
	// A blocked read does not see the context; closing the connection ends it.
	stop := context.AfterFunc(ctx, func() { _ = sub.Close() })
	defer func() {
		if stop() {
			_ = sub.Close()
		}
	}()
	for {
		got, err := sub.ReceiveTimeout(ctx, silence)
		if err != nil {
			return l.failed("listening", err)
		}
		switch m := got.(type) {
		case *redis.Subscription:
			if l.channel.now.Load() != nil {
				return errResubscribed
			}
			begun := time.Now() // from here on nothing is missed; what came before is read now
			if err := l.ends.loadTombstones(ctx); err != nil {
				return err
			}
			l.channel.now.Store(&span{since: begun})
			l.generation.Add(1)
			l.checkServers(ctx)
		case *redis.Message:
			l.receive(m.Payload)
		}
	}
}

var errResubscribed = errors.New("ledger: the connection was made anew, messages may be lost")

// beat sends heartbeats, and looks after the tombstones while they cannot be heard of.
func (l *Ledger) beat(ctx context.Context) {
	every := max(l.bound()/4, 10*time.Millisecond)
	for n := 0; sleep(ctx, every); n++ {
		now := time.Now()
		once, cancel := context.WithTimeout(ctx, l.timeout())
		message := string(sayBeat) + l.channel.name + ":" + strconv.FormatInt(int64(now.Sub(l.channel.born)), 10)
		_ = l.Client.Publish(once, l.key("news"), message).Err() // that it does not come back is the news
		if n%4 == 3 && !l.channel.works(now, l.bound()) {
			_ = l.ends.loadTombstones(once) // tried again soon
		}
		cancel()
	}
}

// receive takes in one message. Whatever it says, and whatever program sent it, Redis is asked again, and what it says
// counts. A flood of messages costs questions, so many in a second, and bounded memory.
func (l *Ledger) receive(message string) {
	if len(message) < 2 || len(message) > maxMessage {
		return
	}
	kind, what := message[0], message[1:]
	first, rest, _ := strings.Cut(what, ":")
	switch kind {
	case sayBeat:
		l.hear(first, rest)
	case sayEnded:
		l.ends.announce(what)
	case sayNews, sayTimes:
		ids := strings.Split(rest, ",")
		for _, id := range ids {
			if !ledger.ValidID(id) {
				return
			}
		}
		if l.near.announced(first, ids) && kind == sayNews {
			l.generation.Add(1)
		}
	}
}

// hear takes in a heartbeat of our own.
func (l *Ledger) hear(name, at string) {
	s := l.channel.now.Load()
	sent, err := strconv.ParseInt(at, 10, 64)
	if s == nil || err != nil || name != l.channel.name {
		return
	}
	// One sent before the subscription began proves nothing of it; one from the future is not ours.
	since := l.channel.born.Add(time.Duration(sent)).Sub(s.since)
	if int64(since) > s.proven.Load() && since <= time.Since(s.since) {
		s.proven.Store(int64(since))
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
