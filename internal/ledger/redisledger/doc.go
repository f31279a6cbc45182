// Package redisledger keeps one ledger for any number of processes in Redis 6.2
// or later: standalone, Sentinel or Cluster. Package ledger has the contract
// and the rules; this package only stores and shares.
//
// # The keys
//
// All keys and the channel have the hash tag {l}, so that they lie in one slot
// of a Cluster. script.go lists the tables, steps.go the keys of a target's
// queue; tombstone.go describes a tombstone; listindex.go the indexes of lists,
// by time and by nickname.
//
// # Writing
//
// Only one script writes (lua.go). A call reads all data that it needs in one
// step (script.go), decides by the rules of package ledger, and sends a batch:
// conditions, writes, and announcements (batch.go). The script checks the
// conditions before it writes. If another process was quicker, the call decides
// again (observe.go). So a change is written completely or not at all, and any
// number of processes may write at once.
//
// # Reading
//
// Persons are kept in memory (cache.go). Each change is announced on a Pub/Sub
// channel, on which each process also hears its own heartbeat (channel.go,
// package heartbeat). While the heartbeat comes back, a person is returned for
// Fresh without asking Redis. When it does not, changes may be missed:
// [Ledger.Generation] moves, and Redis is asked so often that no answer is
// older than Stale. The channel uses Pub/Sub and not client-side caching,
// because go-redis supports the latter for neither Sentinel nor Cluster, and
// because the ledger must notice when the channel is broken.
//
// All tombstones are in memory. An announced tombstone is looked up in Redis
// before it counts: a program that can publish need not be a gateway
// (announced.go).
//
// # Outages
//
// While Redis is down, known persons are returned from memory for StaleIfDown
// (find.go). All other calls fail with ledger.ErrUnavailable.
//
// # What it may import
//
// The standard library, go-redis, golang.org/x/sync/singleflight, and packages
// ledger and heartbeat. No Caddy, no other room of this module.
package redisledger
