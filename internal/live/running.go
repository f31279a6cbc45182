package live

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// farewell is how many rounds the answer by which an app signed its visitor out may
// take to its end: ten seconds.
const farewell = 25

// Answer is what a store says of a session.
type Answer int

// The answers.
const (
	Unknown Answer = iota // the store cannot be asked
	Holds                 // what the session has let in may go on
	None                  // there is no such session
	Ended                 // it is known to have ended
)

// no reports whether an answer is a clear no.
func (a Answer) no() bool { return a == None || a == Ended }

// Owner is the request that a [Running] is a part of. Its methods are called from
// other goroutines while the request runs.
type Owner interface {
	// SessionID names the session that has let the request in. It must not block.
	SessionID() session.ID
	// Holds says whether the session, by the newest value of it that is known, still
	// lets the request go on.
	Holds(value string) Answer
	// PlaceNow says what the configuration in force has for the request; nil if that is
	// still the one that has let it in.
	PlaceNow() *Place
}

// Running is what a [List] knows of a request, inside the request itself: to watch
// one costs no memory of its own. The zero value is a request that is not watched.
type Running struct {
	list       *List // nil if it is not watched
	owner      Owner
	w          http.ResponseWriter
	next, prev *Running // guarded by List.mu, as are the next two
	value      string   // the newest value of the session that we know
	asked      bool     // has run for a round
	leaving    atomic.Int32

	// Of displaced, which is asked by one at a time.
	known bool      // to the configuration in force
	alone time.Time // when that was first seen to have no place for it

	mu     sync.Mutex // guards the rest
	cancel context.CancelCauseFunc
}

// Done ends what [List.Watch] began. Where nothing is watched it does nothing.
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
		cancel(nil) // frees the context
	}
}

// Farewell lets the answer by which an app signs its visitor out be finished, within
// ten seconds.
func (n *Running) Farewell() { n.leaving.Store(farewell) }
