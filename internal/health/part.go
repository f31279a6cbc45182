package health

import (
	"context"
	"errors"
	"time"
)

// Part names what the gateway needs to serve.
type Part string

// The parts that decide.
const (
	Store  Part = "store"  // sessions can be looked up
	Keys   Part = "keys"   // sessions can be sealed and opened
	Ledger Part = "ledger" // persons can be recorded
)

// State says how something is. Its text is in the answers.
type State string

// The states.
const (
	OK      State = "ok"
	Failed  State = "failed"
	Unknown State = "unknown" // not known; a part of this state is not ready
)

var (
	// ErrUnknown is the error of a check that cannot be made, such as of a
	// store that cannot be opened without the keys.
	ErrUnknown = errors.New("not known")
	// ErrLate is the error of a check that has not ended in time.
	ErrLate = errors.New("no answer within a second")
)

// Check asks whether one part can serve.
type Check struct {
	Part Part
	// Run returns an error if the part cannot serve. It should return when ctx
	// is done. It is not called again before it has returned.
	Run func(ctx context.Context) error
}

// Result is the outcome of a check.
type Result struct {
	Part  Part
	State State
	Err   error         // why the state is not OK; may quote the store, so it is for operators only
	Since time.Time     // when a check first found this state
	At    time.Time     // when the check ended
	Took  time.Duration // how long it took; at least patience if it has not ended
}

// WeChat is how WeChat's servers answered lately.
type WeChat struct {
	State State     // Unknown before the first call
	Call  string    // the last call, as in wechat.Error.Op
	At    time.Time // when it ended
	Err   error     // of the last call
}
