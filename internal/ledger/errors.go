package ledger

import (
	"errors"
	"fmt"
)

// The outcomes other than success. An absent record and an unreadable one are different things: only [ErrNotFound]
// says that there is no such person, everything else must not end anybody's session.
var (
	// ErrNotFound: the ledger was read, and there is no such person.
	ErrNotFound = errors.New("ledger: no such person")
	// ErrInvalid: a person that no ledger could have written; a sighting or a withdrawal whose app id or openid is empty,
	// or one of whose ids is longer than 128 bytes or holds anything but visible ASCII, or whose time lies outside the
	// years 1970 to 9999, or another of whose parts passes its limit; an event that is not to be told, or whose parts are
	// as bad; a name that is no target's or owner's.
	ErrInvalid = errors.New("ledger: invalid")
	// ErrConflict: what is to be imported contradicts what the ledger knows. Nothing was written.
	ErrConflict = errors.New("ledger: contradiction")
	// ErrLocked: another process, or another ledger in this one, has the file open.
	ErrLocked = errors.New("ledger: the file is in use")
	// ErrUnavailable: the ledger could not be read or written; nothing is known about the person.
	ErrUnavailable = errors.New("ledger: unavailable")
	// ErrClosed: the ledger has been closed. Wraps ErrUnavailable.
	ErrClosed = fmt.Errorf("%w: closed", ErrUnavailable)
	// ErrCorrupt: a record cannot be decoded, was written by a newer version, or contradicts an index. Wraps
	// ErrUnavailable.
	ErrCorrupt = fmt.Errorf("%w: corrupt", ErrUnavailable)
)
