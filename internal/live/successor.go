package live

import "time"

// reloadGrace is how long a request may run on after a reload without a
// successor for its session: it was let in by a store, keys, times or an
// account that are no longer configured.
const reloadGrace = time.Minute

// Successor says what the configuration in force knows about a request that an
// older one let in.
type Successor struct {
	// SameStore says that store, keys and times are those of the older one,
	// which has already answered.
	SameStore bool
	// Refuses says that the session's person may not enter any more.
	Refuses bool
	// Admits says that a site signs in visitors of the session's account.
	Admits bool
	// Check asks the store of this configuration, like [Watched.Check]. Nil: it
	// has none.
	Check func(value string) Answer
}

// endedBySuccessor reports whether the newest configuration ends a request of
// an older one: at once if it knows that the session has ended, and after
// [reloadGrace] if the request has no successor. An unknown session also gets
// that time, because the visitor may have signed in just before the reload.
func (n *Running) endedBySuccessor(value string) bool {
	next := n.request.Successor()
	if next == nil {
		return false
	}
	if next.Refuses {
		return true
	}
	if next.SameStore && next.Admits {
		n.orphaned = time.Time{}
		return false
	}
	if n.orphaned.IsZero() {
		n.orphaned = time.Now()
	}
	if time.Since(n.orphaned) >= reloadGrace {
		return true
	}
	return !next.SameStore && next.Check != nil && n.endedIn(next, value)
}

// endedIn reports whether a session has ended in the store of another
// configuration (attack: a visitor signs out after the store was changed, and
// an older socket runs on).
func (n *Running) endedIn(next *Successor, value string) bool {
	switch answer := next.Check(value); answer {
	case Valid:
		n.known = true
		return false
	case NotFound, Ended:
		return n.known || answer == Ended
	default:
		return false // only a certain answer counts
	}
}
