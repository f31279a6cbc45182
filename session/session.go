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

	// AppID and Site are what the session is bound to. They are not part of the
	// binary form: a sealed session carries them inside its authentication
	// code, and Load fills them in.
	AppID, Site string

	// OpenID is the visitor's openid at AppID, at most 64 bytes of printable
	// ASCII; empty only for a guest.
	OpenID string

	// Scope says how the visitor signed in: one of the Scope constants.
	Scope string

	// Audience is the kind of client that holds the session's value.
	Audience Audience

	// Line is the line of sessions that this one belongs to, zero if the session
	// is the first of its line. See LineID. A guest has none.
	Line ID

	// Guest marks the virtual visitor of a 快照页 (snapshot page): such a
	// session lives for ten minutes and is never renewed.
	Guest bool

	// Declined is when the visitor declined to give consent; zero if not.
	Declined time.Time

	// Created is when the visitor signed in, Renewed when the session was last
	// written, both in whole seconds, UTC.
	Created, Renewed time.Time

	// secret is what the cookie of a session in Redis carries beside the id: it
	// opens the stored record. A copy of the Session must keep it, as Renew and
	// Save need it; it is in no printed, logged or binary form.
	secret idSecret

	// origin says what a sealed cookie has to do with a session in Redis.
	origin origin

	// leaves is when a session that was replaced stops to answer; zero if it was
	// not, or if tombstones know. It is in no binary form.
	leaves time.Time
}

// Binding is what a session is bound to: one site, one WeChat app id and one
// audience. A session never loads under another binding.
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

// Format prints the same for every verb: no print form shows whose session it is
// or anything that could be replayed.
func (s Session) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue makes structured logs show the short id, scope and site, and nothing
// that names a person or could be replayed.
func (s Session) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", s.ID.Short()),
		slog.String("scope", s.Scope),
		slog.String("site", s.Site),
		slog.Bool("guest", s.Guest),
	)
}

// EndedBy says whether the session is over because all sessions of its person
// were ended at this moment (see PersonTombstones). Times are kept in whole
// seconds, so the moment's own second counts as before: who signs in again within
// it signs in once more.
func (s *Session) EndedBy(at time.Time) bool {
	// A guest has no person. Without this, one entry for "" would end them all.
	return !at.IsZero() && s.Person != "" && !s.Created.After(at)
}

// bound is the site and the account as one text. The audience is not in it: it
// stands inside the session, since values of before have none. The length in front keeps the two parts
// apart: without it site "a" with app "bc" and site "ab" with app "c" would be
// one binding, and a session of one would open on the other.
func (b Binding) bound() string {
	return strconv.Itoa(len(b.Site)) + ":" + b.Site + b.AppID
}

// check refuses a binding that binds to nothing.
func (b Binding) check() error {
	switch {
	case b.Site == "" || len(b.Site) > maxSite:
		return fmt.Errorf("%w session: the site must have 1 to %d bytes", ErrInvalid, maxSite)
	case b.AppID == "" || len(b.AppID) > maxAppID:
		return fmt.Errorf("%w session: the app id must have 1 to %d bytes", ErrInvalid, maxAppID)
	}
	return nil
}

// wholeSecond is a time as the wire keeps it.
func wholeSecond(t time.Time) time.Time { return time.Unix(t.Unix(), 0).UTC() }

// Same reports whether nothing that identifies or dates the session differs.
func (s *Session) Same(other *Session) bool {
	return s.ID == other.ID && s.Person == other.Person && s.OpenID == other.OpenID && s.Scope == other.Scope &&
		s.Audience == other.Audience && s.LineID() == other.LineID() && s.leaves.Equal(other.leaves) && s.Guest == other.Guest && s.Declined.Equal(other.Declined) && s.Created.Equal(other.Created) && s.Renewed.Equal(other.Renewed)
}
