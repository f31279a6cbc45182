package ledger

import "context"

// Identified is a store with an id of its own.
type Identified interface {
	// Identity returns the id of the store. It is drawn when it is first asked
	// for, has the form of [NewID], and is the same for every process and after
	// every restart. A backup keeps it. A store that was emptied, or made anew,
	// gets another one: every person of before is lost there. Error:
	// ErrUnavailable.
	Identity(ctx context.Context) (string, error)
}
