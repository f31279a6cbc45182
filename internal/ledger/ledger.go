package ledger

import (
	"context"
	"time"
)

// Ledger is the interface for the code that opens a ledger, closes it and
// passes it on. Code that receives a ledger declares the methods that it calls.
// The interfaces in this file and [Outbox] say what each method must do;
// ledgertest.Run checks that a store does it.
//
// All methods may be called at any time from any goroutine. They check ctx
// once, before they begin: work that has begun is finished, even if the caller
// no longer waits.
type Ledger interface {
	Persons
	Rights
	Ends
	Bans
	Copies
	Lists
	Outbox
	// Ready returns an error if a change could not be written now, as far as
	// that can be known without writing one. Error: ErrUnavailable.
	Ready(ctx context.Context) error
	// Close finishes running calls and releases the store. Every later call but
	// Ended fails with ErrClosed; closing twice is not an error.
	Close() error
}

// Persons finds and records persons.
type Persons interface {
	// Observe records that WeChat named a visitor, and returns the person, by
	// the rules in the package's documentation. It is exact under concurrency.
	// An observation without news, of an account seen less than an hour ago,
	// writes nothing. Errors: ErrInvalid, ErrUnavailable.
	Observe(ctx context.Context, s Observation) (Person, error)
	// Find returns the person with this id, even if the id has been merged into
	// another. Errors: ErrNotFound, ErrUnavailable.
	Find(ctx context.Context, id string) (Person, error)
	// FindOpenID returns the person who has this openid of this app id. Errors
	// as Find.
	FindOpenID(ctx context.Context, appID, openID string) (Person, error)
	// FindUnionID returns the person with this unionid. Errors as Find.
	FindUnionID(ctx context.Context, unionID string) (Person, error)
	// Renew adds Profile, Grant and SessionKey of an observation, which is an
	// answer about a person and not a visit, to the account with its openid, in
	// one step. ErrNotFound: no person has the openid, or the person has not
	// consented (any more), and nothing happens: a late answer of WeChat must
	// not bring back a person who was erased, or a consent that was withdrawn,
	// meanwhile. ProfileAt is updated even if the profile is unchanged. Errors:
	// ErrInvalid, ErrNotFound, ErrUnavailable.
	Renew(ctx context.Context, s Observation) error
	// Follow records whether a person follows an official account, by the rules
	// of Following, and returns the person as the ledger then has it.
	// ErrNotFound: no person has the openid, and nothing happens. It reaches
	// other gateways within a second. Errors: ErrInvalid, ErrNotFound,
	// ErrUnavailable.
	Follow(ctx context.Context, f Following) (Person, error)
	// Generation grows with each change of a person that alters anything but
	// times, so that a caller can drop values computed from a Person when
	// Generation has changed: read Generation first, then Find. It starts anew
	// with each process, never at 0.
	Generation() uint64
}

// Rights carries out the rights of persons: to withdraw consent, to be
// forgotten, and to see their data.
//
// Withdraw carries out WeChat's pushes: it clears what the person withdrew,
// ends their sessions, and queues events, in one step, and once for each push
// within a day. Only a hash of the push is kept.
//
// Erase removes every record and name of a person, and the older events about
// the person from all queues of the outbox, dead letters too. What remains:
//
//   - The notice of the erasure, [Erased], for each target that wants it. It
//     supersedes the older events and names every id by which a receiver may
//     know the person. It is removed when it is delivered, or thirty days after
//     it became a dead letter. In the queue of a target that is not configured
//     it takes the place of the removed events, and waits for the target.
//   - In the queue of a target that does not want it, the events that the law
//     wants delivered: Merged, Revoked, Cancelled, ProfileChanged. And in every
//     queue those of the latter three that are about an openid which the person
//     no longer had, and which the notice therefore does not name.
//   - Tombstones of sessions, which hold only an id.
//   - Events about another person, to or from whom an openid has moved.
//
// A withdrawal that leaves no data of a person does the same. Events never hold
// a profile or a phone number. Export does not show them: they repeat ids that
// it shows.
//
// The bytes of an erased person remain on disk, out of reach of any look-up,
// until they are overwritten: in unused pages of a file, in Redis' append-only
// file until its next rewrite, and in backups.
type Rights interface {
	// Withdraw carries out a withdrawal in one step: the record, the end of
	// sessions, and the events. It returns the person after the withdrawal, or
	// the former person if no data of them remain. done is false if Key was
	// seen before: then nothing happened, and p may be empty. (After
	// ErrUnavailable it may have happened; then the repetition gives done
	// false.) ErrNotFound: no person has this openid; then nothing is stored.
	// Errors: ErrInvalid, ErrNotFound, ErrUnavailable.
	Withdraw(ctx context.Context, w Withdrawal) (p Person, done bool, err error)
	// Erase removes everything about a person, in one step: record, openids,
	// unionid, all ids, and the person's events in the outbox. Erased is queued.
	// An event that is being sent may still arrive. Errors as Find.
	Erase(ctx context.Context, id string) error
	// Export returns all stored data of a person, a ban among them, as JSON for
	// people to read.
	// Errors as Find.
	Export(ctx context.Context, id string) ([]byte, error)
}

// Ends remembers which sessions ended before their time.
type Ends interface {
	// EndSession remembers until the given time, across restarts, that this
	// session was ended. A time that has passed is not an error and changes
	// nothing. If it fails with ErrUnavailable, the session may come back after
	// a restart, but not before.
	EndSession(ctx context.Context, id [16]byte, until time.Time) error
	// Ended reports whether EndSession was called for this session and the time
	// has not passed. It does no I/O.
	Ended(id [16]byte) bool
	// EndPerson remembers until the given time, across restarts, that every
	// session of this person that was created at the given time or before is
	// over, under whichever of the person's ids it was made. Times are kept in
	// whole seconds: at is rounded down and its second counts as before, until
	// is rounded up. An at in the future counts as now. Of two calls the later
	// times win. An unknown id is not an error: the person may have existed.
	// [Everyone] ends the sessions of all persons, and of guests.
	// Errors: ErrUnavailable, and then the end holds here, but perhaps not on
	// other gateways or after a restart; ErrNotFound if the text is not an id.
	EndPerson(ctx context.Context, person string, at, until time.Time) error
	// PersonEnded returns the time given to EndPerson for this person or for
	// Everyone, whichever is later; zero if there was none or it has expired. A
	// session that was not created later is over. For "", which stands for a
	// guest, it is the time of Everyone. It does no I/O.
	PersonEnded(person string) time.Time
	// Unwritten reports whether an end of this session, of this person, or of
	// Everyone, holds here while the store may not have it: EndSession, EndPerson,
	// Withdraw or ImportEnded has failed, and has not succeeded since. It does
	// no I/O.
	Unwritten(id [16]byte, person string) bool
}

// Bans keeps persons out. A ban holds for everyone who has one of the names of
// the banned person: an id, the unionid, an openid. So it follows the person
// through merges and moves. It survives an erasure as keyed hashes of the names
// ([Mark]). A ban ends no session: EndPerson does.
type Bans interface {
	// Ban bans a person. A second ban of a person changes nothing, but adds the
	// names that are new. Errors: as Find, and ErrTooMany.
	Ban(ctx context.Context, person string, at time.Time) error
	// Unban lifts all bans of whom a name leads to: an id of a person, a
	// unionid, or an openid of any app id; also of a person who was erased.
	// ErrNotFound: there is no such ban. Errors: ErrNotFound, ErrUnavailable.
	Unban(ctx context.Context, name string) error
	// Banned reports whether one of the person's names is banned. The person
	// need not be known: a visitor who signs in has names and no id. It does no
	// I/O. Generation grows with each ban and each end of one.
	Banned(p *Person) bool
	// ListBans returns all bans, oldest first. Errors: ErrUnavailable.
	ListBans(ctx context.Context) ([]Ban, error)
	// ImportBan adds a ban that ListBans gave, perhaps of another ledger. If the
	// ledger has it already, nothing happens. Errors: ErrInvalid, ErrConflict,
	// ErrTooMany, ErrUnavailable.
	ImportBan(ctx context.Context, b Ban) error
}

// Copies moves a ledger from one store to another. The file has one [Person],
// [Tombstone] or [Ban] in JSON on each line.
type Copies interface {
	// Walk calls fn for each person, in no order. A person who is in the ledger
	// the whole time is given exactly once; fn may be slow and may use the
	// ledger. Walk ends with fn's first error. Errors: ErrUnavailable, and
	// those of fn.
	Walk(ctx context.Context, fn func(Person) error) error
	// Import adds a person that Walk gave, perhaps from another ledger: an
	// exact copy with ids and times. If the ledger has all of it already, in
	// this version or a newer one, nothing happens, so an import can be
	// repeated. There are no events. Errors: ErrInvalid, ErrConflict,
	// ErrUnavailable.
	Import(ctx context.Context, p Person) error
	// WalkEnded calls fn for every tombstone that has not expired, exactly as
	// EndSession and EndPerson stored it. A session or person may be given more
	// than once. fn is as for Walk. Errors: ErrUnavailable, and those of fn.
	WalkEnded(ctx context.Context, fn func(Tombstone) error) error
	// ImportEnded adds a tombstone that WalkEnded gave, for this id alone,
	// whereas EndPerson covers all ids of a person. Of two tombstones for one
	// id the later times win, and one whose time has passed changes nothing, so
	// an import can be repeated. Errors: ErrInvalid, ErrUnavailable, as
	// EndSession and EndPerson.
	ImportEnded(ctx context.Context, t Tombstone) error
}
