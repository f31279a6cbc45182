// Package redisledger keeps one ledger for any number of processes in Redis 6.2 or later: standalone, Sentinel or
// Cluster. See package ledger for what a ledger does and by which rules; here is only how it is stored and shared.
//
// # The keys
//
// All keys, and the channel, have the hash tag {l}, so that they lie in one slot of a Cluster. script.go lists the tables,
// steps.go the keys of a target's queue, ended.go the form of a tombstone.
//
// # Writing
//
// One script alone writes (lua.go). A call reads what it needs in one look (script.go), decides by the rules of package
// ledger, and hands over a batch: what must still be so, what to write, and what to announce (batch.go). The script checks
// the first before it does the rest. If others were quicker, the call decides again (see.go). So a change is there whole or
// not at all, whoever dies when.
//
// # Reading
//
// Persons are kept in memory (near.go). Each change is announced on a channel, on which every instance also hears its own
// heartbeat (channel.go). While it does, a person may be given without asking Redis; when it does not, changes may have
// been missed: [Ledger.Generation] moves, and Redis is asked so often that no answer is older than Stale. What was ended is
// in memory whole; an announcement only says what to look up (announced.go), since whoever may publish need not be a
// gateway.
//
// # When Redis is down
//
// Persons who are known are given from memory for StaleIfDown (find.go). Everything else is ledger.ErrUnavailable.
//
// # What it may import
//
// The standard library, go-redis, golang.org/x/sync/singleflight, and package ledger. No Caddy, no other room of this
// module.
package redisledger
