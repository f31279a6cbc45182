package redisledger

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// What the zero values of Redis mean.
const (
	// DefaultPrefix is in front of every key and of the channel's name.
	DefaultPrefix = "wechat:"
	// DefaultTimeout is how long one call to Redis may take.
	DefaultTimeout = time.Second
	// DefaultEntries is how many persons are kept in memory, some 40 MB.
	DefaultEntries = 65536
	// DefaultStale is by how much an answer may be older than what another instance wrote.
	DefaultStale = time.Second
	// DefaultFresh is how long a person is given without asking Redis, while the channel is known to work.
	DefaultFresh = 10 * time.Second
	// DefaultStaleIfDown is how long persons that are known are given while Redis is unavailable.
	DefaultStaleIfDown = 5 * time.Minute
)

// Redis is a Ledger in Redis 6.2 or later, standalone, Sentinel or Cluster, shared by any number of instances.
//
// Everything lies in one Cluster slot (the hash tag {l}), and only one script writes: it looks whether all that a
// change was decided on is still as it was, and then writes the change whole. So a change is there or it is not,
// whoever dies when, and many instances at once are as one.
//
// Persons are kept in memory. Every change is announced on a channel, on which each instance also hears its own
// heartbeat. While it does, a person may be given for Fresh without asking; when it does not, changes may be missed,
// and Generation moves and Redis is asked so often that no answer is older than Stale. It is Pub/Sub, not client-side
// caching, because go-redis has that for neither Sentinel nor Cluster, and because it must be known when it is broken.
//
// # What Redis must be set to
//
// The keys have no TTL, but for leases and for what makes an event count once: a maxmemory-policy of noeviction keeps
// them all, volatile-* may let something be told twice, allkeys-* would throw the whole ledger away. What a master answered just before it died can be lost to its replicas; min-replicas-to-write bounds
// that. Reads go to the master: the client must not read from replicas.
//
// The clocks of the instances should agree within a second or so: an event is due once the clock of whoever sends it has
// reached that of whoever kept it.
//
// The fields must not change after the first use. A zero Redis with a Client works; Start and Close are separate, so
// that it can be made before its server is there.
type Ledger struct {
	// Client is needed. It should have ContextTimeoutEnabled: else its own timeouts hold, not ours.
	Client redis.UniversalClient
	// Prefix is in front of every key, so that several gateways, or other programs, can share one Redis. "" means
	// DefaultPrefix.
	Prefix string
	// Timeout bounds each call to Redis. Zero means DefaultTimeout.
	Timeout time.Duration
	// Entries bounds the persons kept in memory. Zero means DefaultEntries.
	Entries int
	// Stale, Fresh and StaleIfDown: see above, and the constants. Zero means the default.
	Stale, Fresh, StaleIfDown time.Duration
	// Logger hears, at level Warn, of sightings that contradict what WeChat said before, and of Redis breaking and
	// recovering. nil is silent. No openid, unionid or nickname is ever logged.
	Logger *slog.Logger
	// Wake is called after each commit of this instance that put something into the outbox. It must return soon and
	// must not use the ledger. nil is silent.
	Wake func()

	near       near
	channel    channel
	stripes    stripes
	health     health
	ended      ledger.EndedSessions
	gone       ledger.EndedPersons
	announced  announced
	unwritten  ledger.UnwrittenEnds
	targets    ledger.Targets
	limits     ledger.Limits // zero but in tests
	generation atomic.Uint64
	moved      atomic.Int64 // when Generation last moved because the channel was broken, ns since 1970
	told       toldOnce
	known      latch        // shut from Start until the tombstones are read
	tombstones atomic.Value // string: the stamp of the last change of the tombstones before they were last read

	mu     sync.RWMutex   // closed, and additions to work
	work   sync.WaitGroup // calls that have begun, and what Start began
	closed bool
}

var _ ledger.Ledger = (*Ledger)(nil)

// Generation implements Ledger. It also moves, more than twice in each Stale, while changes of other instances may be missed.
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
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.channel.end()
	l.known.open()
	l.work.Wait()
	return nil
}

// begin says why a call must not begin. Otherwise the caller must call r.work.Done when it is over.
func (l *Ledger) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("ledger: not begun: %w", err)
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return ledger.ErrClosed
	}
	l.work.Add(1)
	return nil
}

// once bounds one call to Redis. A caller who leaves does not end it: what has begun is finished.
func (l *Ledger) once(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), l.timeout())
}

// failed wraps what Redis, or the way to it, failed with. Whatever it is, it says nothing about any person.
func (l *Ledger) failed(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %s: %w", ledger.ErrUnavailable, doing, err)
}

func (l *Ledger) timeout() time.Duration     { return cmp.Or(l.Timeout, DefaultTimeout) }
func (l *Ledger) fresh() time.Duration       { return cmp.Or(l.Fresh, DefaultFresh) }
func (l *Ledger) staleIfDown() time.Duration { return cmp.Or(l.StaleIfDown, DefaultStaleIfDown) }

// bound is how old an answer may be when somebody prepares something from it, and how long they may keep it until
// Generation moves: both together, and the way to Redis, are less than Stale.
func (l *Ledger) bound() time.Duration { return cmp.Or(l.Stale, DefaultStale) * 2 / 5 }

// health is how Redis answered lately.
type health struct {
	failedAt atomic.Int64 // ns since 1970; 0 if it works
	failed   atomic.Int64 // the last failure, in ns since 1970
	told     atomic.Bool  // the log says that it fails
}

// failing says whether Redis failed within this time.
func (h *health) failing(within time.Duration) bool {
	at := h.failedAt.Load()
	return at != 0 && time.Now().UnixNano()-at < int64(within)
}

func (h *health) patience() time.Duration {
	if h.failing(failMark) {
		return patience
	}
	return slow
}

// Failing says whether Redis did not answer the last time it was asked. What Find returns meanwhile may be from memory.
func (l *Ledger) Failing() bool { return l.health.failedAt.Load() != 0 }

// answer notes how Redis answered, and logs what is new. It works again, for the log, when nothing has failed for
// failMark: one that answers every other call has no line for each.
func (l *Ledger) answer(err error) {
	h, now := &l.health, time.Now().UnixNano()
	if err != nil {
		h.failedAt.Store(now)
		h.failed.Store(now)
		if h.told.CompareAndSwap(false, true) && l.Logger != nil {
			l.Logger.Warn("the ledger's Redis is unavailable", "error", err)
		}
		return
	}
	if h.failedAt.Load() != 0 {
		h.failedAt.Store(0)
	}
	if h.told.Load() && now-h.failed.Load() >= int64(failMark) && h.told.CompareAndSwap(true, false) && l.Logger != nil {
		l.Logger.Info("the ledger's Redis is available again")
	}
}
