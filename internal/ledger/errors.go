package ledger

import (
	"errors"
	"fmt"
)

// The outcomes other than success. Only [ErrNotFound] means that there is no
// such person. Every other error, such as an unreadable record, must not end a
// session.
var (
	// ErrNotFound: the ledger was read, and there is no such person.
	ErrNotFound = errors.New("ledger: no such person")
	// ErrInvalid: a person that no ledger could have written; an observation or
	// a withdrawal whose app id or openid is empty, one of whose ids is longer
	// than 128 bytes or has a byte that is not visible ASCII, whose time lies
	// outside the years 1970 to 9999, or another field of which passes its
	// limit; an event whose kind Tell does not accept, or with such a field; a
	// text that cannot be the name of a target or an owner.
	ErrInvalid = errors.New("ledger: invalid")
	// ErrConflict: the data to be imported contradict the ledger. Nothing was
	// written.
	ErrConflict = errors.New("ledger: contradiction")
	// ErrLocked: another process, or another ledger in this one, has the file
	// open.
	ErrLocked = errors.New("ledger: the file is in use")
	// ErrUnavailable: the ledger could not be read or written; the person may
	// or may not exist.
	ErrUnavailable = errors.New("ledger: unavailable")
	// ErrClosed: the ledger has been closed. Wraps ErrUnavailable.
	ErrClosed = fmt.Errorf("%w: closed", ErrUnavailable)
	// ErrCorrupt: a record cannot be decoded, was written by a newer version,
	// or contradicts an index. Wraps ErrUnavailable.
	ErrCorrupt = fmt.Errorf("%w: corrupt", ErrUnavailable)
)
