// Package heartbeat lets gateways on one Redis hear each other, and lets each
// gateway notice when it does not hear the others.
//
// Gateways keep sessions and persons in memory, so that a request costs no
// round trip. When one gateway changes something, it announces that on a
// channel, and the others drop their copies. Redis Pub/Sub loses messages
// silently: a connection that looks alive may deliver nothing. So each gateway
// also sends heartbeats to itself on the same subscription.
//
// # Why a heartbeat proves anything
//
// Messages of one connection arrive in the order in which Redis took them. When
// our heartbeat of 12:00:00 has come back, every announcement from before
// 12:00:00 has come too: if one had been lost, the connection would be broken,
// and the heartbeat would not have come back.
//
// A [Connection] counts from the first heartbeat that comes back on a
// subscription. The time from then until the last one was sent is unbroken: no
// announcement in it was missed. The time ends when the subscription fails, and
// when no heartbeat has come for four times [Connection.Every]; the next
// heartbeat begins a new unbroken time.
//
// # The one question
//
// A part that keeps data in memory asks [Connection.Covers] about each answer:
// was it read from Redis (at t) in the unbroken time, and was the last
// heartbeat sent no longer ago than a given moment? Then every change of it has
// been heard, except for changes within that moment. Otherwise a change may
// have been missed, and Redis must be asked again. So a gateway that hears
// nothing is slower, and never wrong for longer than that moment.
//
// # What an announcement may do
//
// An announcement is a hint: any program that may publish can forge one. So a
// [Listener] does not trust it, but drops its copy or asks Redis.
//
// # One process, one connection
//
// Sessions and persons have a channel each, and share a Connection: one
// subscription, one heartbeat. Names of channels and forms of messages belong
// to the rooms that announce; gateways of all versions use the same ones and
// hear each other. Only the sender of a heartbeat reads it, so its form may
// change between versions.
//
// # What it may import
//
// The standard library and go-redis. No Caddy, no other room of this module.
package heartbeat
