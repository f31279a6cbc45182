package ledger

import (
	"fmt"
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
	// SignedIn: a visitor signed in.
	SignedIn EventKind = "signed_in"
	// Declined: a visitor did not consent.
	Declined EventKind = "declined"
	// Revoked: a person took back, at WeChat, what they had consented to.
	Revoked EventKind = "revoked"
	// Cancelled: a person ended their relation to an account; what was kept for it is gone.
	Cancelled EventKind = "cancelled"
	// ProfileChanged: the profile that is known is not what the person wants to be known any more.
	ProfileChanged EventKind = "profile_changed"
	// LoggedOut: a session ended.
	LoggedOut EventKind = "logged_out"
)

var kinds = []EventKind{Linked, Merged, Erased, SignedIn, Declined, Revoked, Cancelled, ProfileChanged, LoggedOut}

// told are the kinds that are no change of a person, and told to the ledger (SignedIn where WeChat was not asked anew).
var told = []EventKind{SignedIn, Declined, ProfileChanged, LoggedOut}

// Limits of an event, in bytes.
const (
	maxScope  = 64
	MaxReason = 256
)

// Event tells of something that others want to follow. It is kept in the [Outbox] in the same step as the change.
type Event struct {
	// ID names the event, the same in every delivery: 26 characters of lower-case base32, random, or given to Tell.
	ID   string
	Kind EventKind
	// Person is the id of the person: with Merged the one that stays. "" where nobody is known (Declined).
	Person string
	// From is the id that is no person's any more (Merged), or of the person the openid moved away from (Linked); else "".
	From string
	// Aliases are the older ids that lead to Person (Merged, From among them), or led to it (Erased).
	Aliases []string
	// AppID, OpenID and UnionID are what was attached (Linked), what showed that two are one (Merged), or whose event
	// it is (others). With Linked either the openid or the unionid is set, or both where an openid moved.
	AppID, OpenID, UnionID string
	// At is when it happened (to the second); for Erased, when it was done.
	At time.Time
	// Scope is what was asked for (SignedIn, Declined), in the words of sessions:
	// snsapi_base, mini_program, …; else "".
	Scope string
	// Reason says more. SignedIn: ticket (a mini program's, in its web-view) or scan (by a phone), "" at WeChat itself.
	// Revoked: WeChat's RevokeInfo codes, comma separated. LoggedOut: visitor, upstream, admin. Declined: page, wechat, app_denied, app_cancelled. Else "".
	Reason string
}

// Events says what a change by a sighting is to others, in order.
func (c *Change) Events(s *Observation) []Event {
	var all []Event
	if e, ok := c.linked(s); ok {
		all = append(all, e)
	}
	if s.SignedIn {
		all = append(all, Event{
			ID: s.event, Kind: SignedIn, Person: c.Person.ID, AppID: s.AppID, OpenID: s.OpenID, UnionID: c.Person.UnionID,
			At: s.At, Scope: s.Scope,
		})
	}
	return all
}

// linked is what a change did to who is who; ok is false if it did nothing.
func (c *Change) linked(s *Observation) (e Event, ok bool) {
	e = Event{Kind: Linked, Person: c.Person.ID, At: s.At}
	switch c.verdict {
	case attach:
		e.AppID, e.UnionID = s.AppID, s.UnionID
	case join:
		e.AppID, e.OpenID = s.AppID, s.OpenID
	case move, moveNew:
		e.AppID, e.OpenID, e.UnionID, e.From = s.AppID, s.OpenID, s.UnionID, c.Left.ID
	case moveApart: // the unionid is not believed
		e.AppID, e.OpenID, e.From = s.AppID, s.OpenID, c.Left.ID
	case merge:
		e.Kind, e.From, e.Aliases = Merged, c.Gone, slices.Clone(c.Person.Merged)
		e.AppID, e.OpenID, e.UnionID = s.AppID, s.OpenID, s.UnionID
	default:
		return Event{}, false
	}
	return e, true
}

// Erasure is the event of an erased person.
func Erasure(p *Person) Event {
	return Event{Kind: Erased, Person: p.ID, Aliases: slices.Clone(p.Merged), At: time.Now().UTC().Truncate(time.Second)}
}

// Tellable returns an event that Tell was given, complete, or ErrInvalid, and the key under which a store remembers it,
// "" if it need not. The changes of persons are told by the ledger alone. No error text repeats the event.
func (e Event) Tellable() (complete Event, key string, err error) {
	if !slices.Contains(told, e.Kind) {
		return e, "", fmt.Errorf("%w: events of the kind %.16q are not to be told", ErrInvalid, string(e.Kind))
	}
	if e.ID != "" {
		key = onceKey("event", e.ID)
	}
	if e.At.IsZero() {
		e.At = time.Now()
	}
	e.At = e.At.UTC().Truncate(time.Second)
	if e.ID == "" {
		e.ID = NewID()
	}
	if e.From != "" || len(e.Aliases) != 0 {
		return e, "", fmt.Errorf("%w: the event tells of no change of ids", ErrInvalid)
	}
	r := newEventRecord(&e)
	if fault := r.fault(); fault != "" {
		return e, "", fmt.Errorf("%w: the event has a bad %s", ErrInvalid, fault)
	}
	return e, key, nil
}

// Printable reports whether s is short text that can stand in a header, a log line, or a word of the store.
func Printable(s string, limit int) bool {
	if len(s) > limit {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
