package ledger

import (
	"context"
	"time"
)

// Ledger is what whoever opens a ledger gets, to close it and to hand its parts on. Whoever is handed one declares what
// it calls. The interfaces in this file and [Outbox] say what each method must do; ledgertest.Run checks that a store
// does it.
//
// All methods may be called at any time from any goroutine. They look at ctx once, before they begin: what has begun is
// finished, whoever still waits.
type Ledger interface {
	Persons
	Rights
	Ends
	Copies
	Outbox
	// Ready says whether a change could be written now, as far as that can be known without one. Error: ErrUnavailable.
	Ready(ctx context.Context) error
	// Close finishes what has begun and lets go of the store. Every later call but Ended gives ErrClosed; closing twice
	// is no error.
	Close() error
}

// Persons says who is who.
type Persons interface {
	// Observe records that WeChat named a visitor, and says who that is, by the rules in the package's documentation. It is
	// exact under concurrency. A sighting that brings nothing new, of an account seen less than an hour ago, writes
	// nothing. Errors: ErrInvalid, ErrUnavailable.
	Observe(ctx context.Context, s Observation) (Person, error)
	// Find returns the person with this id, also if the id has been merged into another. Errors: ErrNotFound,
	// ErrUnavailable.
	Find(ctx context.Context, id string) (Person, error)
	// FindOpenID returns the person to whom this openid of this app id belongs. Errors as Find.
	FindOpenID(ctx context.Context, appID, openID string) (Person, error)
	// FindUnionID returns the person with this unionid. Errors as Find.
	FindUnionID(ctx context.Context, unionID string) (Person, error)
	// Renew brings Profile, Grant and SessionKey of a sighting, in which nobody was seen, to the account with its openid, in
	// one step. ErrNotFound: nobody has the openid, or they have not consented (any more), and nothing happens: whoever was
	// erased, or took their consent back, while WeChat was asked must not come back by its answer. ProfileAt moves even if
	// the profile is the same. Errors: ErrInvalid, ErrNotFound, ErrUnavailable.
	Renew(ctx context.Context, s Observation) error
	// Generation grows with each change of a person that alters anything but times, so that whoever keeps something
	// prepared from a Person can drop it when Generation has moved: read Generation first, then Find. It begins anew
	// with each start, never at 0.
	Generation() uint64
}

// Rights is what persons may ask for: to take back, to be forgotten, and to know.
//
// Withdraw is what WeChat's pushes do: what a person took back is cleared, their
// sessions end, and others are told, in one step, and once for each push within a
// day, of which only a hash is kept.
//
// Erase removes every record and name of a person. Two things stay. Tombstones of
// sessions, which hold nothing but an id. And what waits in the outbox about the
// person, dead letters too: the notice of the erasure itself, and older notices,
// which business systems must hear first to know whose data they are to erase.
// They hold ids (the person's, openids, unionid), never a profile or a phone
// number, and go when they are delivered, or after thirty days as dead letters.
// Export does not show them: they repeat ids that it shows.
//
// The bytes of an erased person stay where they lay, out of reach of any lookup,
// until something else is written there: in unused pages of a file, in Redis'
// append-only file until its next rewrite, and in backups.
type Rights interface {
	// Withdraw carries out a withdrawal in one step: the record, the end of sessions, and the notices for others. It
	// returns the person as it is now; the one who was, if nothing is left of them. done is false when Key was seen
	// before: then nothing happened, and p may be empty. (After ErrUnavailable it may have happened all the same; then the
	// repetition is not done.) ErrNotFound: nobody has this openid; then nothing is kept.
	// Errors: ErrInvalid, ErrNotFound, ErrUnavailable.
	Withdraw(ctx context.Context, w Withdrawal) (p Person, done bool, err error)
	// Erase removes everything about a person: record, openids, unionid, all ids. What waits in the outbox stays, and
	// Erased is told. Errors as Find.
	Erase(ctx context.Context, id string) error
	// Export returns everything that is kept about a person, as JSON for people to read. Errors as Find.
	Export(ctx context.Context, id string) ([]byte, error)
}

// Ends remembers what sessions are over before their time.
type Ends interface {
	// EndSession remembers until the given time, across restarts, that this session was ended. A time that has passed
	// is no error and changes nothing. When it fails with ErrUnavailable the session may come back after a restart, but
	// not before.
	EndSession(ctx context.Context, id [16]byte, until time.Time) error
	// Ended reports whether EndSession was called for this session and the time has not passed. It costs no I/O.
	Ended(id [16]byte) bool
	// EndPerson remembers until the given time, across restarts, that every session of this person that was created at
	// the given time or before is over, under whatever id of theirs it was made. Times are kept in whole seconds: at is
	// rounded down and its second counts as before, until is rounded up. An at in the future counts as now. The later of
	// two calls wins. An id that is nobody's is no error: it may have been. Errors: ErrUnavailable, and then it holds
	// here, but perhaps not elsewhere or after a restart; ErrNotFound for what is no id.
	EndPerson(ctx context.Context, person string, at, until time.Time) error
	// PersonEnded returns the time given to EndPerson, zero if there was none or it is forgotten. A session is over if
	// it was not created after it. It costs no I/O.
	PersonEnded(person string) time.Time
	// Unwritten reports whether an end of this session, or of this person, holds here while the store may not have it:
	// EndSession, EndPerson, Withdraw or ImportEnded has failed, and has not succeeded since. It costs no I/O.
	Unwritten(id [16]byte, person string) bool
}

// Copies carries a ledger from one store to another. A [Person] or a [Tombstone] in JSON is a line of that.
type Copies interface {
	// Walk gives each person to fn, in no order. Whoever is in the ledger from beginning to end is given once; fn may
	// take its time and use the ledger. It ends with fn's first error. Errors: ErrUnavailable, and those of fn.
	Walk(ctx context.Context, fn func(Person) error) error
	// Import adds a person that Walk gave, perhaps of another ledger: an exact copy with ids and times. If the ledger
	// knows all of it already, as it is or newer, nothing happens, so an import can be repeated. There are no events.
	// Errors: ErrInvalid, ErrConflict, ErrUnavailable.
	Import(ctx context.Context, p Person) error
	// WalkEnded gives every tombstone that is in force to fn: what EndSession and EndPerson remember, exactly. Sessions
	// and persons may be given more than once. fn as for Walk. Errors: ErrUnavailable, and those of fn.
	WalkEnded(ctx context.Context, fn func(Tombstone) error) error
	// ImportEnded adds a tombstone that WalkEnded gave: for this id alone, where EndPerson is for all of a person's. Of
	// two for the same the later times win, and one whose time has passed changes nothing, so an import can be
	// repeated. Errors: ErrInvalid, ErrUnavailable, as EndSession and EndPerson.
	ImportEnded(ctx context.Context, t Tombstone) error
}
