package live

import "time"

// afterlife is how long a request may run on after a reload without a place for
// its session: it was let in by a store, keys, times or an account that are no
// longer configured.
const afterlife = time.Minute

// Place says what the configuration in force knows about a request that an
// older one let in.
type Place struct {
	// Same says that store, keys and times are those of the older one, which
	// has already answered.
	Same bool
	// Admits says that a site signs in visitors of the session's account.
	Admits bool
	// Holds asks the store of this configuration, like [Owner.Holds]. Nil: it
	// has none.
	Holds func(value string) Answer
}

// displaced reports whether the newest configuration ends a request of an older
// one: at once if it knows that the session has ended, and after [afterlife] if
// it has no place for the request. An unknown session also gets that time,
// because the visitor may have signed in just before the reload.
func (n *Running) displaced(value string) bool {
	place := n.owner.PlaceNow()
	if place == nil {
		return false
	}
	if place.Same && place.Admits {
		n.alone = time.Time{}
		return false
	}
	if n.alone.IsZero() {
		n.alone = time.Now()
	}
	if time.Since(n.alone) >= afterlife {
		return true
	}
	return !place.Same && place.Holds != nil && n.endedIn(place, value)
}

// endedIn reports whether a session has ended in the store of another
// configuration (attack: a visitor signs out after the store was changed, and
// an older socket runs on).
func (n *Running) endedIn(place *Place, value string) bool {
	switch answer := place.Holds(value); answer {
	case Holds:
		n.known = true
		return false
	case None, Ended:
		return n.known || answer == Ended
	default:
		return false // only a certain answer counts
	}
}
