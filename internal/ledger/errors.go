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
	// ErrInvalid: the ledger does not accept a value:
	//   - a person that no ledger could have written
	//   - an observation or a withdrawal without app id or openid
	//   - an id that is longer than 128 bytes or not visible ASCII
	//   - a time outside the years 1970 to 9999
	//   - any other field beyond its limit
	//   - an event of a kind that Tell does not accept
	//   - a text that cannot be the name of a target or an owner
	ErrInvalid = errors.New("ledger: invalid")
	// ErrConflict: the data to be imported contradict the ledger. Nothing was
	// written.
	ErrConflict = errors.New("ledger: contradiction")
	// ErrTooMany: the ledger holds as many bans, or keys of bans, as it can.
	ErrTooMany = errors.New("ledger: too many bans")
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
	// ErrIndexing: the ledger is older than the indexes of Lists, which are
	// being built in the background. Wraps ErrUnavailable.
	ErrIndexing = fmt.Errorf("%w: the index of persons is being built", ErrUnavailable)
)
