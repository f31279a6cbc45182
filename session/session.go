package session

import (
	"fmt"
	"log/slog"
	"strconv"
	"time"
)

// Limits of the texts in a session, in bytes.
const (
	maxPerson = 64
	maxOpenID = 64
	maxSite   = 512
	maxAppID  = 128
)

// Session is one signed-in browser or client. A Session is not safe for
// concurrent change; the stores hand out a new one on each Load.
type Session struct {
	// ID names the session. Each sign-in draws a new one (New does), so that an
	// id planted before the sign-in is worth nothing after it.
	ID ID

	// Person is the stable id in the ledger, at most 64 bytes of printable
	// ASCII; empty only for a guest.
	Person string

	// AppID and Site are the binding of the session. They are not part of the
	// binary form: the authentication code of a sealed session covers them, and
	// Load fills them in.
	AppID, Site string

	// OpenID is the visitor's openid at AppID, at most 64 bytes of printable
	// ASCII; empty only for a guest.
	OpenID string

	// Scope says how the visitor signed in: one of the Scope constants.
	Scope string

	// Audience is the kind of client that holds the session's value.
	Audience Audience

	// Line is the line of sessions that this one belongs to; zero if the
	// session is the first of its line. See LineID. A guest has no line.
	Line ID

	// Guest marks the virtual visitor of a 快照页 (snapshot page): such a session
	// lives for ten minutes and is never renewed.
	Guest bool

	// Declined is when the visitor declined to give consent; zero if not.
	Declined time.Time

	// Created is when the visitor signed in, Renewed when the session was last
	// written, both in whole seconds, UTC.
	Created, Renewed time.Time

	// secret is the part of the cookie of a session in Redis, beside the id,
	// that opens the stored record. A copy of the Session must keep it, because
	// Renew and Save need it; no printed, logged or binary form contains it.
	secret idSecret

	// origin says how a session in Redis relates to a sealed cookie.
	origin origin

	// leaves is when a replaced session ceases to be accepted; zero if it was
	// not replaced, or if tombstones record that. No binary form contains it.
	leaves time.Time
}

// Binding is what a session is bound to: one site, one WeChat app id and one
// audience. A session does not load under another binding.
type Binding struct {
	Site, AppID string
	Audience    Audience
}

// New returns a session that begins now, always with a new id.
func New(b Binding, person, openID, scope string) *Session {
	now := wholeSecond(time.Now())
	return &Session{
		ID:       NewID(),
		Person:   person,
		AppID:    b.AppID,
		Site:     b.Site,
		Audience: b.Audience,
		OpenID:   openID,
		Scope:    scope,
		Created:  now,
		Renewed:  now,
	}
}

// Binding returns what the session is bound to.
func (s *Session) Binding() Binding {
	return Binding{Site: s.Site, AppID: s.AppID, Audience: s.Audience}
}

// String names the session by its short id: safe to log.
func (s Session) String() string { return "session " + s.ID.Short() }

// Format prints the same for every verb: no print form shows the person, or
// anything that could be replayed.
func (s Session) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue makes structured logs show the short id, scope and site, but neither
// the person nor anything that could be replayed.
func (s Session) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", s.ID.Short()),
		slog.String("scope", s.Scope),
		slog.String("site", s.Site),
		slog.Bool("guest", s.Guest),
	)
}

// EndedBy reports whether the session is over because all sessions of its
// person, or of everyone, were ended at this moment (see PersonTombstones).
// Times are kept in
// whole seconds, and the moment's own second counts as before: a person who
// signs in again within it must sign in once more.
func (s *Session) EndedBy(at time.Time) bool {
	return !at.IsZero() && !s.Created.After(at)
}

// bound is the site and the account as one text. The audience is not part of
// it: it is stored inside the session, because older values have none. The
// length prefix keeps the two parts apart: without it site "a" with app "bc"
// and site "ab" with app "c" would be one binding, and a session of one would
// open under the other.
func (b Binding) bound() string {
	return strconv.Itoa(len(b.Site)) + ":" + b.Site + b.AppID
}

// check refuses a binding without a site or an app id.
func (b Binding) check() error {
	switch {
	case b.Site == "" || len(b.Site) > maxSite:
		return fmt.Errorf("%w session: the site must have 1 to %d bytes", ErrInvalid, maxSite)
	case b.AppID == "" || len(b.AppID) > maxAppID:
		return fmt.Errorf("%w session: the app id must have 1 to %d bytes", ErrInvalid, maxAppID)
	}
	return nil
}

// wholeSecond returns a time as the wire format keeps it.
func wholeSecond(t time.Time) time.Time { return time.Unix(t.Unix(), 0).UTC() }

// Same reports whether two sessions agree in everything that identifies or
// dates them.
func (s *Session) Same(other *Session) bool {
	return s.ID == other.ID && s.Person == other.Person && s.OpenID == other.OpenID && s.Scope == other.Scope &&
		s.Audience == other.Audience && s.LineID() == other.LineID() && s.leaves.Equal(other.leaves) && s.Guest == other.Guest && s.Declined.Equal(other.Declined) && s.Created.Equal(other.Created) && s.Renewed.Equal(other.Renewed)
}
