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
	// DefaultPrefix starts every key and the channel's name.
	DefaultPrefix = "wechat:"
	// DefaultTimeout is how long one call to Redis may take.
	DefaultTimeout = time.Second
	// DefaultEntries is how many persons are kept in memory, some 40 MB.
	DefaultEntries = 65536
	// DefaultStale is how much older an answer may be than the last write of
	// another instance.
	DefaultStale = time.Second
	// DefaultFresh is how long a person is returned without asking Redis, while
	// the channel is known to work.
	DefaultFresh = 10 * time.Second
	// DefaultStaleIfDown is how long known persons are returned while Redis is
	// unavailable.
	DefaultStaleIfDown = 5 * time.Minute
)

// Options say where and how a ledger is stored. They must not change after the
// first use.
type Options struct {
	// Client is required. It should have ContextTimeoutEnabled: otherwise its
	// own timeouts apply, not ours.
	Client redis.UniversalClient
	// Prefix starts every key, so that several gateways, or other programs, can
	// share one Redis. "" means DefaultPrefix.
	Prefix string
	// Timeout bounds each call to Redis. Zero means DefaultTimeout.
	Timeout time.Duration
	// Entries bounds the persons kept in memory. Zero means DefaultEntries.
	Entries int
	// Stale, Fresh and StaleIfDown are explained at the constants. Zero means
	// the default.
	Stale, Fresh, StaleIfDown time.Duration
	// Heartbeat is the connection on which this process hears the others, if it
	// is shared with other parts of the process; its creator starts it after
	// Start, and closes it. Nil means that the ledger has its own.
	Heartbeat *heartbeat.Connection
	// Logger receives, at level Warn, observations that contradict what WeChat
	// reported before, and failures of Redis, and its recoveries. nil is
	// silent. No openid, unionid or nickname is logged.
	Logger *slog.Logger
	// Wake is called after each commit of this instance that put an event into
	// the outbox. It must return soon and must not use the ledger. nil is
	// silent.
	Wake func()
}

func (o *Options) fresh() time.Duration { return cmp.Or(o.Fresh, DefaultFresh) }

func (o *Options) staleIfDown() time.Duration { return cmp.Or(o.StaleIfDown, DefaultStaleIfDown) }

// bound is the greatest age of an answer from which a caller computes a value,
// and the longest time that the caller keeps the value until Generation moves:
// both together, and the way to Redis, take less than Stale.
func (o *Options) bound() time.Duration { return cmp.Or(o.Stale, DefaultStale) * 2 / 5 }

func (o *Options) timeout() time.Duration { return cmp.Or(o.Timeout, DefaultTimeout) }

// entries returns the limit of one shard.
func (o *Options) entries() int {
	if o.Entries <= 0 {
		return DefaultEntries / cacheShards
	}
	return max(o.Entries/cacheShards, 1)
}
