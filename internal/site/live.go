package site

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

const (
	// liveRound is how often the requests that run are looked at. One that began
	// in this round is asked about in the next: most are over by then.
	liveRound = 400 * time.Millisecond

	// liveAskers is how many sessions are asked about at a time: where a store
	// must be asked over a network, ten thousand sockets would wait for each other.
	liveAskers = 32

	// farewell is how many rounds the answer by which an app signed its visitor
	// out may take to its end: ten seconds.
	farewell = 25
)

// errSessionOver is why a running request was cut.
var errSessionOver = fmt.Errorf("site: the session of a running request is over: %w", session.ErrEnded)

// Live watches the requests that run, and cuts those whose session ends
// meanwhile: sockets, event streams and long downloads were let in once, and
// would go on for as long as their visitor likes (attack: a stolen cookie's
// socket outlives the logout). Every round it asks again about the sessions of
// those that have run for a round, as for a new request: so it hears of whatever
// ends sessions, on this instance or another, an expiry too. A store that cannot
// be asked cuts nobody.
//
// The zero value is ready. It must live as long as the store that is asked: the
// requests of an old configuration go on after a reload, as far as the one of after
// lets them, see [Succession]. Where nobody runs, no goroutine does.
type Live struct {
	mu      sync.Mutex
	first   *Request // of the list of those that run
	working bool     // the goroutine is there
	closed  bool
	stop    chan struct{}
	work    sync.WaitGroup
}

// running is what Live knows of a request, inside the request itself: to watch
// one costs no memory of its own.
type running struct {
	live       *Live // nil if it is not watched
	of         *Site
	w          http.ResponseWriter
	next, prev *Request // guarded by Live.mu, as are the next two
	Value      string   // the newest value of the session that we know
	Asked      bool     // has run for a round
	leaving    atomic.Int32

	// Of [running.displaced], which is asked by one at a time.
	known bool      // to the configuration of after
	alone time.Time // when that was first seen to have no place for it

	mu     sync.Mutex // guards the rest
	cancel context.CancelCauseFunc
}

// Watch returns the request as it is to be forwarded. Its context ends, and its
// connection with it, when the session does. [Request.Done] must be called when
// the request is over; w is not touched after it. Nobody's requests, and those of
// a Hub without Live, are not watched.
func (site *Site) Watch(w http.ResponseWriter, r *Request) (forwarded *http.Request) {
	live := site.Hub.Live
	if live == nil || r.Identity == nil {
		return r.Request
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	n := &r.running
	n.live, n.of, n.w, n.cancel, n.Value = live, site, w, cancel, r.SessionValue
	if !live.enter(r) {
		cancel(errSessionOver)
	}
	return r.WithContext(ctx)
}

// Done ends what Watch began. Where nothing is watched it does nothing.
func (r *Request) Done() {
	n := &r.running
	if n.live == nil {
		return
	}
	n.live.leave(r)
	n.mu.Lock()
	cancel := n.cancel
	n.cancel = nil
	n.mu.Unlock()
	if cancel != nil {
		cancel(nil) // frees the context
	}
}

// enter puts a request on the list, false when nobody looks at it any more.
func (l *Live) enter(r *Request) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	if r.running.next = l.first; l.first != nil {
		l.first.running.prev = r
	}
	l.first = r
	if !l.working {
		l.working, l.stop = true, make(chan struct{})
		l.work.Go(func() { l.run(l.stop) })
	}
	return true
}

// leave takes a request off the list.
func (l *Live) leave(r *Request) {
	n := &r.running
	l.mu.Lock()
	if l.first == r {
		l.first = n.next
	}
	if n.next != nil {
		n.next.running.prev = n.prev
	}
	if n.prev != nil {
		n.prev.running.next = n.next
	}
	n.next, n.prev = nil, nil
	l.mu.Unlock()
}

// Close cuts whoever still runs: nothing could be heard of an end any more. It
// returns when the goroutine has ended. Closing nil, or twice, is no error.
func (l *Live) Close() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	var rest []*Request
	for r := l.first; r != nil; r = r.running.next {
		rest = append(rest, r)
	}
	if l.closed = true; l.working {
		l.working = false
		close(l.stop)
	}
	l.mu.Unlock()
	for _, r := range rest {
		r.running.cut()
	}
	l.work.Wait()
	return nil
}

// run looks at everybody, round after round, until nobody is left.
func (l *Live) run(stop <-chan struct{}) {
	ticker := time.NewTicker(liveRound)
	defer ticker.Stop()
	var due []question
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		var more bool
		if due, more = l.round(due[:0]); !more {
			return
		}
		ask(due)
		clear(due) // keeps no request alive
	}
}
