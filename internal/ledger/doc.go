// Package ledger knows who is who: one [Person] for one human, with every openid by which WeChat names that human,
// at most one unionid, the consent given to each account, and the newest profile.
//
// # Who is one person
//
// WeChat names a user by openid (one for each user and app id) and, where the app is bound to an Open Platform
// account, by unionid (one for each user and Open Platform account). Neither is the id of a person here: an openid
// differs from app to app, and a unionid often appears only later. A person has an id of random bytes that never
// changes; the WeChat names are attributes that lead to it.
//
// [Ledger.See] applies these rules, in one transaction:
//
//	openid      unionid seen          what happens
//	unknown     none or unknown       a new person
//	unknown     known                 the openid joins the unionid's person
//	known       none or its own       the same person
//	no unionid  unknown               the unionid is attached to the person
//	no unionid  another person's      the two are merged; the one first created wins, the other id stays as an alias
//	has one     a different one       the openid moves, bare, to the person of the unionid just seen (new if unknown)
//
// Three rules keep one human's data from another human:
//
// Two persons with two different unionids are never merged, and a person's unionid never changes. An openid whose
// unionid changed (the app moved to another Open Platform account, or WeChat erred) leaves its old person behind with
// everything recorded there, and takes no consent and no profile along. Should WeChat name the old unionid again, the
// openid returns to the old person, whose data nobody else could see in the meantime.
//
// A unionid is not believed where it would give one person two openids of one app id. WeChat never gives a user two,
// but it is known to give one virtual unionid to many visitors of its snapshot pages; without this rule those
// strangers would become one person. Such an openid stays, or becomes, a person of its own.
//
// A lookup checks the index against the record it leads to. Whatever does not match is [ErrCorrupt], never a person.
//
// # Where it is kept
//
// Not here. Room boltledger keeps the ledger of one process in a file, room redisledger that of any number of processes in
// Redis. Both only store: what a call does is decided by the functions of this package ([Sighting.Decide],
// [Sighting.Renew], [Withdrawal.Apply], [Person.Succeed]), which read no clock of a store and write nothing. Both write a
// change whole or not at all. Room ledgertest is the contract as tests, which both pass. [Ledger.Walk] and [Ledger.Import]
// carry a ledger from one to the other, [Ledger.WalkEnded] and [Ledger.ImportEnded] what was ended; a [Person] or a
// [Tombstone] in JSON is a line of that.
//
// # Telling others
//
// Business systems follow what happens to persons. The [Outbox] keeps an event for each of them that wants it, in the same
// transaction or script as the change that it tells of: neither is there without the other, whoever dies when. Whoever
// delivers takes what is due, and says what became of it. So an event arrives at least once, with the same id each time.
//
// Events of one person are given out one after the other; one that cannot be delivered holds up those behind it, and
// nobody else's. When two persons turn out to be one, what waits of either comes before what that one does later. All
// that is indexed: a target that is down costs memory, not time. For each target 250,000 events of each kind may wait,
// then the oldest of the kind become dead letters; of these 10,000 of each kind are kept, for thirty days. So no event is
// lost for one of another kind: what visitors can cause at will does not push out what the law wants delivered. What
// waits for a target that is not configured any more stays: a configuration that is loaded wrongly, or reloaded, loses
// nothing.
//
// # Taking back
//
// [Ledger.Withdraw] is what WeChat's pushes do: what a person took back is cleared, their sessions end, and others are
// told, in one step, and once for each push within a day, of which only a hash is kept.
//
// # Erasing
//
// [Ledger.Erase] removes every record and name of a person. Two things stay. Tombstones of sessions, which hold nothing
// but an id. And what waits in the outbox about the person, dead letters too: the notice of the erasure itself, and older
// notices, which business systems must hear first to know whose data they are to erase. They hold ids (the person's,
// openids, unionid), never a profile or a phone number, and go when they are delivered, or after thirty days as dead
// letters. [Ledger.Export] does not show them: they repeat ids that it shows.
//
// The bytes stay where they lay, out of reach of any lookup,
// until something else is written there: in unused pages of the file, in Redis' append-only file until its next
// rewrite, and in backups.
//
// # What it may import
//
// The standard library alone. No store, no Caddy, no other room of this module.
package ledger
