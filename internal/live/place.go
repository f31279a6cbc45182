package live

import "time"

// afterlife is how long a request may run on after a reload has left no place for
// its session: it was let in by a store, keys, times or an account that are not
// configured any more.
const afterlife = time.Minute

// Place is what the configuration in force has for a request that an older one has
// let in.
type Place struct {
	// Same says that store, keys and times are those of the older one: they were
	// asked already.
	Same bool
	// Admits says that a site signs visitors of the session's account in.
	Admits bool
	// Holds asks the store of this configuration, as [Owner.Holds]. Nil: it has none.
	Holds func(value string) Answer
}

// displaced reports whether the newest configuration ends a request of an older
// one: at once if it knows that the session has ended, and after a while if it has
// no place for it. What it has never known may have been signed in a moment before
// the reload, and is given that while, too.
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
// configuration (attack: a visitor signs out after the store was changed, and a
// socket of before runs on).
func (n *Running) endedIn(place *Place, value string) bool {
	switch answer := place.Holds(value); answer {
	case Holds:
		n.known = true
		return false
	case None, Ended:
		return n.known || answer == Ended
	default:
		return false // only a clear no is a no
	}
}
