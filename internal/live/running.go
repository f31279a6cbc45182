package live

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// farewell is how many rounds an app's answer that signs its visitor out may
// take to finish: ten seconds.
const farewell = 25

// Answer is a store's answer about a session.
type Answer int

// The answers.
const (
	Unknown Answer = iota // the store does not answer
	Holds                 // the request may go on
	None                  // there is no such session
	Ended                 // the session has ended
)

// no reports whether an answer says for certain that the session is not valid.
func (a Answer) no() bool { return a == None || a == Ended }

// Owner is the request that a [Running] is a part of. Its methods are called from
// other goroutines while the request runs.
type Owner interface {
	// SessionID returns the id of the session that let the request in. It must
	// not block.
	SessionID() session.ID
	// Holds says whether the session still allows the request. value is the
	// session's newest known value.
	Holds(value string) Answer
	// PlaceNow returns the request's place in the configuration in force; nil
	// if that is still the one that let it in.
	PlaceNow() *Place
}

// Running is a [List]'s record of a request. It is part of the request's own
// record, so that watching needs no further memory. The zero value is a request
// that is not watched.
type Running struct {
	list       *List // nil if it is not watched
	owner      Owner
	w          http.ResponseWriter
	next, prev *Running // guarded by List.mu, like value and asked
	value      string   // the newest known value of the session
	asked      bool     // it has run for a round
	leaving    atomic.Int32

	// Used only by displaced, by one goroutine at a time.
	known bool      // the configuration in force knows the session
	alone time.Time // since when the request has no place in it

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

// Farewell lets an app's answer that signs its visitor out finish, within ten
// seconds.
func (n *Running) Farewell() { n.leaving.Store(farewell) }
