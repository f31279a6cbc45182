package session

import (
	"context"
	"time"
)

// MaxValue is the longest value of a session, in bytes: what a Store may return
// from Save and Renew, what a SessionCookie reads, and what Load looks at.
const MaxValue = 1024

// Store is where sessions live. All methods may be called concurrently. Package
// sessiontest holds the contract as a test suite.
type Store interface {
	// Save keeps the session and returns the value that stands for it, for a
	// cookie or a bearer token: 1 to MaxValue characters of A-Z a-z 0-9 - and _.
	// It fails with ErrInvalid for an incomplete session, ErrLineEnded for a new
	// one whose line has ended, and ErrUnavailable if the store cannot be asked. It changes nothing that s says, but may note in s
	// how it is kept: later calls want s, or a copy of it.
	Save(ctx context.Context, s *Session) (value string, err error)

	// Load returns the session of a value under a binding. Any value that is not
	// a live session bound to b gives an error that wraps ErrNone; a store that
	// cannot be asked, also because ctx is done, gives ErrUnavailable. A session
	// that was saved for AnyAudience loads for each.
	Load(ctx context.Context, value string, b Binding) (*Session, error)

	// Renew sets s.Renewed to now, keeps the session and returns its new value.
	// A session that has ended or expired meanwhile is not brought back: that
	// gives ErrEnded or ErrExpired. On an error s is unchanged.
	Renew(ctx context.Context, s *Session) (value string, err error)

	// End ends the session and its line: no value of any session that was made in
	// the line until now loads again. Ending an ended or expired session succeeds.
	End(ctx context.Context, s *Session) error

	// Replace lets the session answer for Linger more. After that its values give
	// ErrReplaced until the line ends, then ErrEnded; it is not renewed. Its line
	// lives on. It is for a session in whose place the same browser has a newer one.
	Replace(ctx context.Context, s *Session) error
}

// Tombstones remember the sealed sessions that ended before their time. A cookie
// cannot be taken back from whoever copied it; without tombstones a logout would
// only look like one (CVE-2024-21492).
type Tombstones interface {
	// EndSession remembers the session id as ended, at least until the given
	// time, across restarts.
	EndSession(ctx context.Context, id [16]byte, until time.Time) error

	// Ended says whether the id was ended. It is asked on every request and must
	// answer from memory.
	Ended(id [16]byte) bool
}

// PersonTombstones are Tombstones that also remember the persons whose sessions
// were all ended, by an operator: a sealed cookie that nobody can list ends too.
type PersonTombstones interface {
	Tombstones

	// PersonEnded returns the moment up to which the sessions of a person are
	// over: one that was not created after it is no more. Zero means that none
	// was ended so. It is asked on every request and must answer from memory.
	PersonEnded(person string) time.Time
}
