package ledger

import (
	"context"
	"time"
)

// Limits of the outbox, for each target and each of the nine kinds of events:
// an event is never dropped in favour of another kind (attack: a visitor's
// declined sign-ins push out the erasures of others).
const (
	// MaxWaiting is how many events of a kind may wait. Beyond it each new
	// event sends the oldest of its kind to the dead letters. All kinds
	// together are 2,250,000 at most.
	MaxWaiting = 250_000
	// MaxDead is how many dead letters of a kind are kept. Beyond it the oldest
	// of the kind are removed. All kinds together are 90,000 at most.
	MaxDead = 10_000
	// DeadFor is how long dead letters are kept.
	DeadFor = 30 * 24 * time.Hour
	// MaxDue is how many deliveries one Due or Dead returns at most.
	MaxDue = 1000

	TooMany = "more events wait than are kept"
)

// OnceFor is how long the key of a withdrawal, and the id of an event given to
// Tell, are remembered.
const OnceFor = 24 * time.Hour

// Target is a system that receives events.
type Target struct {
	// Name is the target's name in the configuration, 1 to 64 of a-z, 0-9 and
	// -. It must stay the same across restarts.
	Name string
	// Kinds are the kinds of events that it receives; empty means all.
	Kinds []EventKind
}

// Delivery is an event on its way to one target.
type Delivery struct {
	Event
	// Attempts is the number of failed attempts.
	Attempts int
	// First is the time of the first failed attempt; before that, when the
	// event was queued. Next is when the next attempt may be made; of a dead
	// letter, when it was buried. Both have millisecond precision.
	First, Next time.Time
	// Reason is the reason of the last failure, or of the burial.
	Reason string
}

// Outbox keeps events for business systems until they are delivered to each
// target that wants them: at least once, with the same id each time, and for
// each person in the order of the changes. An event is stored in the same
// transaction or script as its change: a crash leaves both or neither.
//
// Events of one person are delivered one after the other; an event that cannot
// be delivered holds up later events of the same person, and of no other
// person. When two persons are merged, the waiting events of both come before
// later ones. Everything is indexed: a target that is down costs memory, not
// time.
//
// For each target 250,000 events of each kind may wait, then the oldest of the
// kind become dead letters; of these 10,000 of each kind are kept, for thirty
// days. So events that visitors can cause at will do not push out events of
// other kinds, which the law wants delivered. Events for a target that is no
// longer configured stay: a wrong configuration, or a reload, loses nothing.
//
// All methods with a target return ErrInvalid for an invalid target name, and
// ErrUnavailable. They also accept targets that are not configured (any more).
type Outbox interface {
	Queue
	DeadLetters
	// SetTargets sets the targets of events from now on. Events that no target
	// wants are not stored. Waiting events of a target that is no longer named
	// stay. It may be called at any time. Targets with an invalid name are
	// ignored.
	SetTargets(targets []Target)
	// Tell queues an event that does not change a person: Declined, LoggedOut,
	// ProfileChanged, and SignedIn if there was no observation. An event
	// without an id gets one; an event whose id was told within a day is
	// ignored, and so is one of a person who is not in the ledger: it would
	// come after the notice that the person was erased. If no target wants the event, nothing is written. Errors:
	// ErrInvalid, ErrUnavailable.
	Tell(ctx context.Context, e Event) error
}

// Queue is for the sender of events.
type Queue interface {
	// Due returns the events that can be sent to a target now, at most limit
	// (1,000 at most): those that have been due longest come first, so of
	// events that were never tried the oldest; at most one for each person, and
	// none whose person has an older waiting event, under any of the person's
	// ids. Events without a person are independent of all others. next is when
	// an event that was not returned may become due (zero: no other event
	// waits, except behind those returned); it may be earlier than necessary,
	// never later.
	Due(ctx context.Context, target string, now time.Time, limit int) (due []Delivery, next time.Time, err error)
	// Sent removes a delivered event. A missing event is not an error, nor is
	// it for Postpone and Bury.
	Sent(ctx context.Context, target, id string) error
	// Postpone records a failed attempt and the time of the next. The reason
	// must not contain a secret; it is cut to 256 bytes of printable ASCII.
	Postpone(ctx context.Context, target, id string, next time.Time, reason string) error
	// Bury records a failed attempt and moves the event to the dead letters of
	// the target. The reason is as in Postpone.
	Bury(ctx context.Context, target, id, reason string) error
	// Lease makes one owner the sender of a target for ttl; it returns true if
	// the caller is the sender now. A call by the owner extends the lease.
	// owner is 1 to 64 printable characters.
	Lease(ctx context.Context, target, owner string, ttl time.Duration) (bool, error)
	// Expire removes dead letters that are older than DeadFor. New events
	// remove some of them, too.
	Expire(ctx context.Context, target string) error
	// Release ends the owner's lease. If another owner has the lease, nothing
	// changes, and that is not an error.
	Release(ctx context.Context, target, owner string) error
}

// DeadLetters is for the operator who looks after the deliveries.
type DeadLetters interface {
	// Waiting counts the waiting events and the dead letters.
	Waiting(ctx context.Context, target string) (waiting, dead int, err error)
	// Oldest returns the time of the change that the longest waiting event
	// reports; zero if none waits. It reads that event only.
	Oldest(ctx context.Context, target string) (time.Time, error)
	// Dead lists dead letters, newest burial first, at most limit (1,000 at
	// most) after the one with the given id; "" means from the beginning.
	// ErrNotFound: there is no such dead letter (any more).
	Dead(ctx context.Context, target, after string, limit int) ([]Delivery, error)
	// Pending lists the waiting events, the one queued first at the beginning,
	// at most limit (1,000 at most).
	Pending(ctx context.Context, target string, limit int) ([]Delivery, error)
	// Letter returns an event that waits, or that is a dead letter. ErrNotFound:
	// there is none (any more).
	Letter(ctx context.Context, target, id string) (d Delivery, dead bool, err error)
	// Purge removes a dead letter for good; "" means all that are there now. It
	// returns the number of letters removed.
	Purge(ctx context.Context, target, id string) (int, error)
	// Redeliver puts a dead letter back in its old place, as if it had never
	// been tried; "" means all. It returns the number of letters put back. A
	// letter stays if MaxWaiting events of its kind wait.
	Redeliver(ctx context.Context, target, id string) (int, error)
}
