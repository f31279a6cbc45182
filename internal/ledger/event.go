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
	// Linked: an openid or a unionid was attached to a known person, or an
	// openid moved to a person.
	Linked EventKind = "linked"
	// Merged: two persons turned out to be one.
	Merged EventKind = "merged"
	// Erased: everything about a person was removed.
	Erased EventKind = "erased"
	// SignedIn: a visitor signed in.
	SignedIn EventKind = "signed_in"
	// Declined: a visitor did not consent.
	Declined EventKind = "declined"
	// Revoked: a person withdrew their consent at WeChat.
	Revoked EventKind = "revoked"
	// Cancelled: a person ended their relation to an account; the data kept for
	// that account are gone.
	Cancelled EventKind = "cancelled"
	// ProfileChanged: the person no longer wants the stored profile to be used.
	ProfileChanged EventKind = "profile_changed"
	// LoggedOut: a session ended.
	LoggedOut EventKind = "logged_out"
)

var kinds = []EventKind{Linked, Merged, Erased, SignedIn, Declined, Revoked, Cancelled, ProfileChanged, LoggedOut}

// told are the kinds that Tell accepts, which do not change a person (SignedIn
// if WeChat was not asked anew).
var told = []EventKind{SignedIn, Declined, ProfileChanged, LoggedOut}

// Limits of an event, in bytes.
const (
	maxScope  = 64
	MaxReason = 256
)

// Event describes something that other systems want to follow. The [Outbox]
// stores it in the step that makes the change.
type Event struct {
	// ID names the event and is the same in every delivery: 26 characters of
	// lower-case base32, random, or given to Tell.
	ID   string
	Kind EventKind
	// Person is the id of the person: with Merged the one that stays; "" if no
	// person is known (Declined).
	Person string
	// From is the id that no longer names a person of its own (Merged), or the
	// person that the openid moved away from (Linked); else "".
	From string
	// Aliases are the older ids that lead to Person (Merged, From among them),
	// or led to it (Erased).
	Aliases []string
	// AppID, OpenID and UnionID are what was attached (Linked), what showed
	// that two persons are one (Merged), or where the event happened (others).
	// With Linked either the openid or the unionid is set, or both if an openid
	// moved. With Erased the unionid is the person's, and Accounts has the
	// openids.
	AppID, OpenID, UnionID string
	// Accounts are the openids that the person had (Erased).
	Accounts []AccountID
	// At is when it happened (to the second); for Erased, when the erasure was
	// done.
	At time.Time
	// Scope is the scope that was asked for (SignedIn, Declined), in the words
	// of sessions: snsapi_base, mini_program, …; else "".
	Scope string
	// Reason gives details. SignedIn: ticket (a mini program's, in its
	// web-view) or scan (by a phone), "" at WeChat itself. Revoked: WeChat's
	// RevokeInfo codes, comma separated. LoggedOut: visitor, upstream, admin.
	// Declined: page, wechat, app_denied, app_cancelled. Else "".
	Reason string
}

// AccountID is an openid, and the app id that it belongs to.
type AccountID struct{ AppID, OpenID string }

// Events returns the events of a change by an observation, in order.
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

// linked returns the event of a change of ids; ok is false if there is none.
func (c *Change) linked(s *Observation) (e Event, ok bool) {
	e = Event{Kind: Linked, Person: c.Person.ID, At: s.At}
	switch c.verdict {
	case attach:
		e.AppID, e.UnionID = s.AppID, s.UnionID
	case join:
		e.AppID, e.OpenID = s.AppID, s.OpenID
	case move, moveNew:
		e.AppID, e.OpenID, e.UnionID, e.From = s.AppID, s.OpenID, s.UnionID, c.Left.ID
	case moveApart: // the unionid is ignored
		e.AppID, e.OpenID, e.From = s.AppID, s.OpenID, c.Left.ID
	case merge:
		e.Kind, e.From, e.Aliases = Merged, c.Gone, slices.Clone(c.Person.Merged)
		e.AppID, e.OpenID, e.UnionID = s.AppID, s.OpenID, s.UnionID
	default:
		return Event{}, false
	}
	return e, true
}

// Tellable completes an event that was given to Tell, or returns ErrInvalid,
// and the key under which a store remembers it, "" if it need not. Only the
// ledger itself reports changes of persons. No error text repeats the event.
func (e Event) Tellable() (complete Event, key string, err error) {
	if !slices.Contains(told, e.Kind) {
		return e, "", fmt.Errorf("%w: events of the kind %.16q are not accepted", ErrInvalid, string(e.Kind))
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
	if e.From != "" || len(e.Aliases) != 0 || len(e.Accounts) != 0 {
		return e, "", fmt.Errorf("%w: the event must not name a change of ids", ErrInvalid)
	}
	r := newEventRecord(&e)
	if fault := r.fault(); fault != "" {
		return e, "", fmt.Errorf("%w: the event has a bad %s", ErrInvalid, fault)
	}
	return e, key, nil
}

// Printable reports whether s is short text that is safe in a header, a log
// line, or a word of the store.
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
