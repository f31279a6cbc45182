package live

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// signOutRounds is how many rounds an app's answer that signs its visitor out
// may take to finish: ten seconds.
const signOutRounds = 25

// Answer is a store's answer about a session.
type Answer int

// The answers.
const (
	Unavailable Answer = iota // the store does not answer
	Valid                     // the request may go on
	NotFound                  // there is no such session
	Ended                     // the session has ended
)

// no reports whether an answer says for certain that the session is not valid.
func (a Answer) no() bool { return a == NotFound || a == Ended }

// Watched is the request that a [Running] is a part of. Its methods are called
// from other goroutines while the request runs.
type Watched interface {
	// SessionID returns the id of the session that let the request in. It must
	// not block.
	SessionID() session.ID
	// Check says whether the session still allows the request. value is the
	// session's newest known value.
	Check(value string) Answer
	// Successor returns the successor of the request in the configuration in
	// force; nil if that is still the one that let it in.
	Successor() *Successor
}

// Running is a [List]'s record of a request. It is part of the request's own
// record, so that watching needs no further memory. The zero value is a request
// that is not watched.
type Running struct {
	list       *List // nil if it is not watched
	request    Watched
	w          http.ResponseWriter
	next, prev *Running // guarded by List.mu, like value and asked
	value      string   // the newest known value of the session
	asked      bool     // it has run for a round
	leaving    atomic.Int32

	// Used only by endedBySuccessor and endedIn, by one goroutine at a time.
	known    bool      // the configuration in force knows the session
	orphaned time.Time // since when the request has no successor

	mu     sync.Mutex // guards the rest
	cancel context.CancelCauseFunc
}

// Done ends the watch of [List.Watch]. Without one it does nothing.
func (n *Running) Done() {
	if n.list == nil {
		return
	}
	n.list.leave(n)
	n.mu.Lock()
	cancel := n.cancel
	n.cancel = nil
	n.mu.Unlock()
	if cancel != nil {
		cancel(nil) // releases the context
	}
}

// LetSignOutFinish lets an app's answer that signs its visitor out finish,
// within ten seconds.
func (n *Running) LetSignOutFinish() { n.leaving.Store(signOutRounds) }
