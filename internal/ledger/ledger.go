package ledger

import (
	"context"
	"time"
)

// Ledger is what every implementation does; ledgertest.Run checks that it does. All methods may be called at any time
// from any goroutine. They look at ctx once, before they begin: what has begun is finished, whoever still waits.
type Ledger interface {
	// See records that WeChat named a visitor, and says who that is, by the rules in the package's documentation. It is
	// exact under concurrency. A sighting that brings nothing new, of an account seen less than an hour ago, writes
	// nothing. Errors: ErrInvalid, ErrUnavailable.
	See(ctx context.Context, s Sighting) (Person, error)
	// Find returns the person with this id, also if the id has been merged into another. Errors: ErrNotFound,
	// ErrUnavailable.
	Find(ctx context.Context, id string) (Person, error)
	// FindOpenID returns the person to whom this openid of this app id belongs. Errors as Find.
	FindOpenID(ctx context.Context, appID, openID string) (Person, error)
	// FindUnionID returns the person with this unionid. Errors as Find.
	FindUnionID(ctx context.Context, unionID string) (Person, error)
	// EndSession remembers until the given time, across restarts, that this session was ended. A time that has passed
	// is no error and changes nothing. When it fails with ErrUnavailable the session may come back after a restart, but
	// not before.
	EndSession(ctx context.Context, id [16]byte, until time.Time) error
	// Ended reports whether EndSession was called for this session and the time has not passed. It costs no I/O.
	Ended(id [16]byte) bool
	// Close finishes what has begun and lets go of the store. Every later call but Ended gives ErrClosed; closing twice
	// is no error.
	Close() error
}
