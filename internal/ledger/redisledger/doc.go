// Package redisledger keeps one ledger for any number of processes in Redis 6.2
// or later: standalone, Sentinel or Cluster. Package ledger says what a ledger
// does and by which rules; this package only stores and shares.
//
// # The keys
//
// All keys and the channel have the hash tag {l}, so that they lie in one slot of
// a Cluster. script.go lists the tables, steps.go the keys of a target's queue;
// tombstone.go describes a tombstone.
//
// # Writing
//
// Only one script writes (lua.go). A call reads what it needs in one look
// (script.go), decides by the rules of package ledger, and sends a batch: what
// must still be so, what to write, and what to announce (batch.go). The script
// checks the first before it does the rest. If another process was quicker, the
// call decides again (observe.go). So a change is written whole or not at all, and
// many processes at once are as one.
//
// # Reading
//
// Persons are kept in memory (cache.go). Each change is announced on a Pub/Sub
// channel, on which each process also hears its own heartbeat (channel.go, package
// heartbeat). While
// it does, a person is given for Fresh without asking Redis. When it does not,
// changes may be missed: [Ledger.Generation] moves, and Redis is asked so often
// that no answer is older than Stale. It is Pub/Sub and not client-side caching,
// because go-redis has that for neither Sentinel nor Cluster, and because it must
// be known when it is broken.
//
// All tombstones are in memory. An announced tombstone is looked up in Redis
// before it counts: a program that can publish is not always a gateway
// (announced.go).
//
// # Outages
//
// While Redis is down, known persons are given from memory for StaleIfDown
// (find.go). Everything else is ledger.ErrUnavailable.
//
// # What it may import
//
// The standard library, go-redis, golang.org/x/sync/singleflight, and packages
// ledger and heartbeat. No Caddy, no other room of this module.
package redisledger
