package live

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

const (
	// round is how often the requests that run are looked at. One that began in this
	// round is asked about in the next: most are over by then.
	round = 400 * time.Millisecond

	// maxAskers is how many sessions are asked about at a time: where a store must be
	// asked over a network, ten thousand sockets would wait for each other.
	maxAskers = 32
)

// List watches the requests that run, and cuts those whose session ends
// meanwhile: sockets, event streams and long downloads were let in once, and
// would go on for as long as their visitor likes (attack: a stolen cookie's
// socket outlives the logout). Every round it asks again about the sessions of
// those that have run for a round, as for a new request: so it hears of whatever
// ends sessions, on this instance or another, an expiry too. A store that cannot
// be asked cuts nobody.
//
// The zero value is ready. It must live as long as the store that is asked: the
// requests of an old configuration go on after a reload, as far as the one in force
// lets them, see [Place]. No goroutine runs while no request is watched.
type List struct {
	mu      sync.Mutex
	first   *Running // of those that run
	working bool     // the goroutine is there
	closed  bool
	stop    chan struct{}
	work    sync.WaitGroup
}

// Watch returns the request as it is to be forwarded. Its context ends, and its
// connection with it, when the session does. n is the owner's part of this request,
// and value what the session was read from. [Running.Done] must be called when the
// request is over; w is not touched after it.
func (l *List) Watch(n *Running, owner Owner, value string, w http.ResponseWriter, r *http.Request) (forwarded *http.Request) {
	ctx, cancel := context.WithCancelCause(r.Context())
	n.list, n.owner, n.value, n.w, n.cancel = l, owner, value, w, cancel
	if !l.enter(n) {
		cancel(ErrOver)
	}
	return r.WithContext(ctx)
}

// enter puts a request on the list, false when nobody looks at it any more.
func (l *List) enter(n *Running) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	if n.next = l.first; l.first != nil {
		l.first.prev = n
	}
	l.first = n
	if !l.working {
		l.working, l.stop = true, make(chan struct{})
		l.work.Go(func() { l.run(l.stop) })
	}
	return true
}

// leave takes a request off the list.
func (l *List) leave(n *Running) {
	l.mu.Lock()
	if l.first == n {
		l.first = n.next
	}
	if n.next != nil {
		n.next.prev = n.prev
	}
	if n.prev != nil {
		n.prev.next = n.next
	}
	n.next, n.prev = nil, nil
	l.mu.Unlock()
}

// Renewed notes a session's new value for those of its requests that run: the
// value they came with expires although the session lives on. A nil list has none.
func (l *List) Renewed(id session.ID, value string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for n := l.first; n != nil; n = n.next {
		if n.owner.SessionID() == id {
			n.value = value
		}
	}
}

// Close cuts whoever still runs: nothing could be heard of an end any more. It
// returns when the goroutine has ended. Closing nil, or twice, is no error.
func (l *List) Close() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	var rest []*Running
	for n := l.first; n != nil; n = n.next {
		rest = append(rest, n)
	}
	if l.closed = true; l.working {
		l.working = false
		close(l.stop)
	}
	l.mu.Unlock()
	for _, n := range rest {
		n.cut()
	}
	l.work.Wait()
	return nil
}
