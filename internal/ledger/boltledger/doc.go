// Package boltledger keeps the ledger of one process in a bbolt file. See package ledger for what a ledger does and by
// which rules; here is only how it is stored.
//
// # The file
//
// Each table is a bucket (tables.go): persons by id, and three indexes that lead from an openid, a unionid or a merged id
// to a person. ended and gone hold the tombstones of sessions and of persons (tombstones.go), once the keys that were
// seen (once.go), outbox one bucket for each target (queue.go), with indexes by kind (kinds.go). A file of an older
// gateway gets the buckets it lacks when it is opened; a file with other buckets, or of another schema, is refused.
//
// # Writing
//
// Everything that one call changes is written in one transaction, which ends when the disk has it. Writes that arrive
// while the disk is busy share the next transaction (writer.go). A damaged file is an error, never a crash (file.go).
//
// # Reading
//
// What was ended is in memory whole. Some ten thousand persons are in memory too (cache.go); everything else is read from
// the file. [Ledger.Generation] moves after memory has forgotten what a write made old.
//
// # What it may import
//
// The standard library, go.etcd.io/bbolt, and package ledger. No Caddy, no Redis, no other room of this module.
package boltledger
