package session

import (
	"context"
	"time"
)

// MaxValue is the length of the longest value of a session, in bytes: a Store
// returns no longer one from Save and Renew, and a SessionCookie and Load read
// no longer one.
const MaxValue = 1024

// Store is where sessions live. All methods may be called concurrently. Package
// sessiontest holds the contract as a test suite.
type Store interface {
	// Save keeps the session and returns the value that stands for it, for a
	// cookie or a bearer token: 1 to MaxValue characters of A-Z a-z 0-9 - and
	// _. It fails with ErrInvalid for an incomplete session, ErrLineEnded for a
	// new session whose line has ended, and ErrUnavailable if the store cannot
	// be asked. It changes no exported field of s, but may record in s how it
	// is stored: later calls need s, or a copy of it.
	Save(ctx context.Context, s *Session) (value string, err error)

	// Load returns the session of a value under a binding. Any value that is
	// not a live session bound to b gives an error that wraps ErrNone; a store
	// that cannot be asked, even because ctx is done, gives ErrUnavailable. A
	// session that was saved for AnyAudience loads for every audience.
	Load(ctx context.Context, value string, b Binding) (*Session, error)

	// Renew sets s.Renewed to now, stores the session and returns its new
	// value. It does not bring back a session that has ended or expired
	// meanwhile, and fails with ErrEnded or ErrExpired. On an error s is
	// unchanged.
	Renew(ctx context.Context, s *Session) (value string, err error)

	// End ends the session and its line: no value of any session that the line
	// has had until now loads again. Ending an ended or expired session
	// succeeds.
	End(ctx context.Context, s *Session) error

	// Replace has the session accepted for Linger more. After that its values
	// give ErrReplaced until the line ends, then ErrEnded. It cannot be
	// renewed. Its line lives on. Replace is for a session that a newer one of
	// the same browser replaces.
	Replace(ctx context.Context, s *Session) error
}

// Tombstones remember the sealed sessions that ended before their time. A
// copied cookie cannot be taken back; without tombstones a logout would only
// look like one (CVE-2024-21492).
type Tombstones interface {
	// EndSession remembers the session id as ended, at least until the given
	// time, across restarts.
	EndSession(ctx context.Context, id [16]byte, until time.Time) error

	// Ended reports whether the id was ended. It is asked on every request and
	// must answer from memory.
	Ended(id [16]byte) bool
}

// PersonTombstones are Tombstones that also remember the persons whose sessions
// an operator ended: this ends sealed cookies, which cannot be listed.
type PersonTombstones interface {
	Tombstones

	// PersonEnded returns the moment up to which the sessions of a person are
	// over: a session is over unless it was created later. Zero means that the
	// person's sessions were not ended. For "", a guest, it may only return the
	// moment up to which the sessions of everyone are over. It is asked on
	// every request and must answer from memory.
	PersonEnded(person string) time.Time
}
