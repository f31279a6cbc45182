// Package boltledger keeps the ledger of one process in a bbolt file. Package
// ledger has the contract and the rules; this package only stores.
//
// # The file
//
// Each table is a bucket. Persons are found by id; three indexes lead from an
// openid, a unionid or a merged id to a person (tables.go). ended and gone hold
// the tombstones of sessions and of persons (tombstones.go), once holds the
// keys that were seen (once.go), outbox has one bucket for each target
// (queue.go), with indexes by kind of event (kinds.go), and bans holds the bans
// while there are any (bans.go). The indexes of lists, by time and by nickname,
// lie in a bucket within meta (listindex.go). When a file of an older
// gateway is opened, the missing buckets are added. A file with other buckets
// or of another schema is refused.
//
// # Writing
//
// All changes of one call are written in one transaction. The call returns when
// the disk has them. Calls that arrive while the disk is busy share the next
// transaction (writer.go). A damaged file is an error, never a crash (file.go).
//
// # Reading
//
// All tombstones are in memory, and some ten thousand persons (cache.go).
// Everything else is read from the file. After a write the cache drops the
// persons that changed, and then [Ledger.Generation] moves.
//
// # What it may import
//
// The standard library, go.etcd.io/bbolt, and package ledger. No Caddy, no
// Redis, no other room of this module.
package boltledger
