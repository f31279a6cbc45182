package ledger

import (
	"context"
	"time"
)

// Limits of the outbox, for each target and each of the nine kinds of events: no event is given up for one of another
// kind (attack: a visitor's declined sign-ins push the erasures of others out).
const (
	// MaxWaiting is how many events of a kind may wait. Beyond it the oldest of the kind goes to the dead letters for each
	// one that comes. All kinds together are 2,250,000 at most.
	MaxWaiting = 250_000
	// MaxDead is how many dead letters of a kind are kept. Beyond it the oldest of the kind are forgotten. All kinds together
	// are 90,000 at most.
	MaxDead = 10_000
	// DeadFor is how long dead letters are kept.
	DeadFor = 30 * 24 * time.Hour
	// MaxDue is how many deliveries one Due or Dead gives at most.
	MaxDue = 1000

	TooMany = "more events wait than are kept"
)

// OnceFor is how long the key of a withdrawal, and the id of an event given to Tell, are remembered.
const OnceFor = 24 * time.Hour

// Target is a system that hears of events.
type Target struct {
	// Name is 1 to 64 of a-z, 0-9 and -, and the same across restarts: the configuration's.
	Name string
	// Kinds are what it hears of; empty means all.
	Kinds []EventKind
}

// Delivery is an event on its way to one target.
type Delivery struct {
	Event
	// Attempts is how often it was tried in vain.
	Attempts int
	// First is when it was first tried in vain; before that, when it was kept. Next is when it may be tried (again); of a
	// dead letter, when it was buried. Both are of millisecond precision.
	First, Next time.Time
	// Reason is that of the last failure, or of the burial.
	Reason string
}

// Outbox keeps events for business systems, until they are delivered to each
// target that wants them: at least once, with the same id each time, and for each
// person in the order of the changes. An event is kept in the same transaction or
// script as the change that it tells of: neither is there without the other,
// whoever dies when.
//
// Events of one person are given out one after the other; one that cannot be
// delivered holds up those behind it, and nobody else's. When two persons turn
// out to be one, what waits of either comes before what that one does later. All
// that is indexed: a target that is down costs memory, not time.
//
// For each target 250,000 events of each kind may wait, then the oldest of the
// kind become dead letters; of these 10,000 of each kind are kept, for thirty
// days. So no event is lost for one of another kind: what visitors can cause at
// will does not push out what the law wants delivered. What waits for a target
// that is not configured any more stays: a configuration that is loaded wrongly,
// or reloaded, loses nothing.
//
// All methods with a target give ErrInvalid for what is no target's name, and
// ErrUnavailable. A target that is not configured (any more) can be used like any
// other.
type Outbox interface {
	Queue
	DeadLetters
	// SetTargets says who hears of events from now on. Events that happen while no target wants them are not kept. What
	// waits for a target that is not named any more stays. Safe at any time. Targets without a proper name are left out.
	SetTargets(targets []Target)
	// Tell keeps an event that is no change of a person: Declined, LoggedOut, ProfileChanged, and SignedIn where no
	// sighting was made. If it has an id (else it is given one), the same id within a day is told once. If no target wants
	// it, nothing is written. Errors: ErrInvalid, ErrUnavailable.
	Tell(ctx context.Context, e Event) error
}

// Queue is for whoever delivers.
type Queue interface {
	// Due returns what can be sent to a target now, at most limit (1,000 at most): what has been due longest first, so of
	// what was never tried the oldest; at most one for each person, and nothing whose person has an older one waiting,
	// under whatever id of theirs. Events without a person are independent of all others. next is when something that was
	// not returned may become due (zero: nothing else waits, but for those behind what was returned); it may be earlier
	// than necessary, never later.
	Due(ctx context.Context, target string, now time.Time, limit int) (due []Delivery, next time.Time, err error)
	// Sent removes a delivered event. That it is not there (any more) is no error, with Postpone and Bury too.
	Sent(ctx context.Context, target, id string) error
	// Postpone notes a failed attempt and when to try again. The reason must hold no secret; it is cut to 256 bytes of
	// printable ASCII.
	Postpone(ctx context.Context, target, id string, next time.Time, reason string) error
	// Bury notes a failed attempt and moves the event to the dead letters of the target. The reason is as in Postpone.
	Bury(ctx context.Context, target, id, reason string) error
	// Lease makes one owner the sender of a target for ttl; true if the caller is it now. A call by the owner extends it.
	// owner is 1 to 64 printable characters.
	Lease(ctx context.Context, target, owner string, ttl time.Duration) (bool, error)
	// Release gives it up. That somebody else has it is no error, and changes nothing.
	Release(ctx context.Context, target, owner string) error
}

// DeadLetters is for whoever looks after the deliveries.
type DeadLetters interface {
	// Waiting counts what waits, dead what is buried.
	Waiting(ctx context.Context, target string) (waiting, dead int, err error)
	// Dead lists dead letters, newest burial first, at most limit (1,000 at most) after the one with the given id; "" is
	// from the beginning. ErrNotFound: there is no such dead letter (any more).
	Dead(ctx context.Context, target, after string, limit int) ([]Delivery, error)
	// Redeliver puts a dead letter back in its old place, as if it had never been tried; "" means all. It returns how many.
	// One of a kind of which MaxWaiting wait stays where it is.
	Redeliver(ctx context.Context, target, id string) (int, error)
}
