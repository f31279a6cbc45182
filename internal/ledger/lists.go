package ledger

import (
	"context"
	"time"
)

// Limits of one call about many persons.
const (
	// MaxList is how many persons one call returns at most.
	MaxList = 500
	// MaxInactive is how many inactive persons one call returns at most.
	MaxInactive = 1000
)

// Lists answers questions about many persons, for operators. Except for Count
// and Verify in Redis, the methods use indexes that a store maintains with each
// change of a person. An older ledger has none: they are built in the
// background, and until then the methods fail with ErrIndexing.
type Lists interface {
	// List returns persons, the one last seen first, and those of one second in
	// descending order of their ids. after is "" or the cursor that the call
	// before returned; next is "" at the end. A page may have fewer persons than
	// limit, which is between 1 and MaxList. A person who is seen while pages
	// are read moves to the beginning and may be missing in later pages; every
	// other person is given exactly once. Errors: ErrInvalid for a text that is
	// no cursor, ErrUnavailable.
	List(ctx context.Context, after string, limit int) (some []Person, next string, err error)
	// Count returns the number of persons. Errors: ErrUnavailable.
	Count(ctx context.Context) (int, error)
	// FindNickname returns persons whose nickname begins with a text, in the
	// order of their folded nicknames, at most limit. FoldNickname says which
	// texts are equal. Errors: ErrInvalid for a text that is empty or cannot be
	// the beginning of a nickname, ErrUnavailable.
	FindNickname(ctx context.Context, prefix string, limit int) ([]Person, error)
	// Inactive tells of the persons who were last seen before a time, and
	// returns some of them, the one last seen longest ago first, at most limit,
	// which is between 0 and MaxInactive. Errors: ErrUnavailable.
	Inactive(ctx context.Context, before time.Time, limit int) (Inactivity, error)
	// EraseInactive is Erase for a person who was last seen before a time. A
	// person who has been seen since is spared, and erased is false. Errors as
	// Find.
	EraseInactive(ctx context.Context, id string, before time.Time) (erased bool, err error)
	// Verify checks a part of the ledger. after is "" or the cursor that the
	// call before returned. It changes nothing, and reports no contradiction
	// that a concurrent change only seems to make. Errors: ErrInvalid for a text
	// that is no cursor, ErrUnavailable.
	Verify(ctx context.Context, after string) (Verification, error)
}

// Inactivity describes the persons who were last seen before a time.
type Inactivity struct {
	Persons int       // their number
	Oldest  time.Time // when the first of them was last seen; zero if there is none
	Some    []Person  // the first of them
}
