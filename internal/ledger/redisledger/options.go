package redisledger

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/internal/heartbeat"
)

// What the zero values of Options mean.
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

// Options say where a ledger is kept, and how. They must not change after the first use.
type Options struct {
	// Client is needed. It should have ContextTimeoutEnabled: else its own timeouts hold, not ours.
	Client redis.UniversalClient
	// Prefix is in front of every key, so that several gateways, or other programs, can share one Redis. "" means
	// DefaultPrefix.
	Prefix string
	// Timeout bounds each call to Redis. Zero means DefaultTimeout.
	Timeout time.Duration
	// Entries bounds the persons kept in memory. Zero means DefaultEntries.
	Entries int
	// Stale, Fresh and StaleIfDown: see the constants. Zero means the default.
	Stale, Fresh, StaleIfDown time.Duration
	// Heartbeat is the connection by which this process hears the others, when it is shared with other parts of the
	// process; whoever made it starts it after Start, and closes it. Nil: the ledger has one of its own.
	Heartbeat *heartbeat.Connection
	// Logger hears, at level Warn, of sightings that contradict what WeChat said before, and of Redis breaking and
	// recovering. nil is silent. No openid, unionid or nickname is ever logged.
	Logger *slog.Logger
	// Wake is called after each commit of this instance that put something into the outbox. It must return soon and
	// must not use the ledger. nil is silent.
	Wake func()
}

func (o *Options) fresh() time.Duration { return cmp.Or(o.Fresh, DefaultFresh) }

func (o *Options) staleIfDown() time.Duration { return cmp.Or(o.StaleIfDown, DefaultStaleIfDown) }

// bound is how old an answer may be when somebody prepares something from it, and how long they may keep it until
// Generation moves: both together, and the way to Redis, are less than Stale.
func (o *Options) bound() time.Duration { return cmp.Or(o.Stale, DefaultStale) * 2 / 5 }

func (o *Options) timeout() time.Duration { return cmp.Or(o.Timeout, DefaultTimeout) }

// entries is how many one shard may have.
func (o *Options) entries() int {
	if o.Entries <= 0 {
		return DefaultEntries / nearShards
	}
	return max(o.Entries/nearShards, 1)
}
