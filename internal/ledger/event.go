package ledger

import (
	"slices"
	"time"
)

// EventKind says what happened to a person.
type EventKind string

// The kinds of events.
const (
	// Linked: an openid or a unionid was attached to a person who was known before, or an openid moved to a person.
	Linked EventKind = "linked"
	// Merged: two persons turned out to be one.
	Merged EventKind = "merged"
	// Erased: everything about a person was removed.
	Erased EventKind = "erased"
)

// Event tells of a committed change that others may want to follow. It is told by the instance that made the change,
// once, unless that instance dies, or loses sight of its store, just after the commit: then it is not told.
type Event struct {
	Kind EventKind
	// Person is the id of the person: with Merged the one that stays.
	Person string
	// From is the id that is no person's any more (Merged), or of the person the openid moved away from (Linked); else "".
	From string
	// Aliases are the older ids that lead to Person (Merged, From among them), or led to it (Erased).
	Aliases []string
	// AppID, OpenID and UnionID are what was attached (Linked), or what showed that two are one (Merged). With Linked
	// either the openid or the unionid is set, or both where an openid moved.
	AppID, OpenID, UnionID string
	// At is when it was seen; for Erased, when it was done.
	At time.Time
}

// event says what a change by a sighting is to others; ok is false if it is nothing.
func (c *change) event(s *Sighting) (e Event, ok bool) {
	e = Event{Kind: Linked, Person: c.person.ID, At: s.At}
	switch c.verdict {
	case attach:
		e.AppID, e.UnionID = s.AppID, s.UnionID
	case join:
		e.AppID, e.OpenID = s.AppID, s.OpenID
	case move, moveNew:
		e.AppID, e.OpenID, e.UnionID, e.From = s.AppID, s.OpenID, s.UnionID, c.left.ID
	case moveApart: // the unionid is not believed
		e.AppID, e.OpenID, e.From = s.AppID, s.OpenID, c.left.ID
	case merge:
		e.Kind, e.From, e.Aliases = Merged, c.gone, slices.Clone(c.person.Merged)
		e.AppID, e.OpenID, e.UnionID = s.AppID, s.OpenID, s.UnionID
	default:
		return Event{}, false
	}
	return e, true
}

// erasure is the event of an erased person.
func erasure(p *Person) Event {
	return Event{Kind: Erased, Person: p.ID, Aliases: slices.Clone(p.Merged), At: time.Now().UTC().Truncate(time.Second)}
}
