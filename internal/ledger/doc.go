// Package ledger keeps persons: one [Person] for one human, with every openid
// by which WeChat names that human, at most one unionid, the consent given to
// each account, and the newest profile. It holds the rules and the contract.
// Package boltledger stores persons in one file for one process, package
// redisledger in Redis for any number of processes, and package ledgertest
// tests that each store keeps the contract, [Ledger].
//
// # When two names are one person
//
// WeChat names a user by openid (one for each user and app id) and, where the
// app is bound to an Open Platform account, by unionid (one for each user and
// Open Platform account). Neither is the id of a person here: an openid differs
// from app to app, and a unionid often appears only later. A person has an id
// of random bytes that never changes. [Ledger.Observe] applies these rules in
// one step:
//
//	openid      unionid seen        what happens
//	unknown     none or unknown     a new person
//	unknown     known               the openid joins the unionid's person
//	known       none or its own     the same person
//	no unionid  unknown             the unionid is attached to the person
//	no unionid  another person's    the two are merged: the one first created
//	                                wins, the other id stays as an alias
//	has one     a different one     the openid moves, bare, to the person of the
//	                                unionid just seen (new if unknown)
//
// Three rules keep the data of one human from another. placement.go gives the
// reasons.
//
//   - Persons with two different unionids are never merged, and the unionid of
//     a person never changes. An openid that moves takes no consent and no
//     profile.
//   - A unionid is ignored if it would give a person two openids of one app id.
//   - A lookup checks the index against the record it leads to. A mismatch is
//     [ErrCorrupt], never a person.
//
// # How a store uses the rules
//
// A store reads records, computes the result of a call ([Observation.Decide],
// [Observation.Renew], [Following.Apply], [Withdrawal.Apply],
// [Person.Succeed]), and writes the
// result completely or not at all, together with the events for business
// systems ([Targets], [Outbox]). The rules do no I/O. [EncodePerson] and
// [EncodeEvent] define the stored form of both stores. [EndedSessions],
// [EndedPersons] and [UnwrittenEnds] hold the ended sessions of both stores in
// memory, [BanSet] the bans.
//
// # Bans
//
// A ban is a set of marks: keyed hashes of all names of the banned person. Who
// has one of these names is banned, so a ban follows a person through merges
// and needs no name in the clear. When a person is erased, or loses an openid,
// the same step adds the marks of all names that came after the ban.
//
// Operators ask about many persons ([Lists]). A store answers from indexes that
// it writes with each record ([Person.Listing]).
//
// # What it may import
//
// The standard library only. No store, no Caddy, no other room of this module.
package ledger
