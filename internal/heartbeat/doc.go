// Package heartbeat is how gateways on one Redis hear each other, and how each
// notices when it does not hear.
//
// Gateways keep sessions and persons in memory, so that a request costs no round
// trip. When one gateway changes something, it announces that on a channel, and
// the others drop what they keep. Redis Pub/Sub loses messages without a word: a
// connection that looks alive may deliver nothing. So each gateway also sends
// itself heartbeats on the same subscription.
//
// # Why a heartbeat proves anything
//
// Messages of one connection arrive in the order in which Redis took them. When
// our own heartbeat, sent at 12:00:00, has come back, everything announced before
// 12:00:00 has come too. Had it been lost, the connection would be broken, and the
// heartbeat would not have come either.
//
// A [Connection] counts from the first heartbeat that comes back on a subscription.
// The time from then until the last one was sent is unbroken: nothing announced in
// it was missed. The time ends when the subscription fails, and when no heartbeat
// came for four times [Connection.Every]; the next heartbeat begins a new one.
//
// # The one question
//
// [Connection.Covers] is what the keepers of memory ask: was this answer, read from
// Redis at t, read in the unbroken time, and was the last heartbeat sent no longer
// than a moment ago? Then any change of it would have been heard, but for changes of
// that moment. Otherwise nobody knows, and the answer must be asked for again. So a
// gateway that is deaf is slower, and never wrong for longer than the moment.
//
// # What an announcement may do
//
// It is a hint. Any program that may publish can forge one. So a [Listener] forgets
// what it keeps, or asks Redis; it takes no message for the truth.
//
// # One process, one connection
//
// Sessions and persons have a channel each, and share a Connection: one
// subscription, one heartbeat. Names of channels and forms of messages belong to the
// rooms that announce; gateways of all versions use the same ones and hear each
// other. A heartbeat is heard by its sender alone, so its form is nobody else's
// business.
//
// # What it may import
//
// The standard library and go-redis. No Caddy, no other room of this module.
package heartbeat
