package live

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

const (
	// round is how often running requests are checked. A request that began in
	// this round is first checked in the next: most have ended by then.
	round = 400 * time.Millisecond

	// maxAskers is how many sessions are checked at a time: if the store is on
	// another machine, ten thousand sockets checked one by one would delay each
	// other.
	maxAskers = 32
)

// List watches running requests and cuts those whose session ends. Sockets,
// event streams and long downloads are let in once, and would otherwise go on
// as long as the client likes (attack: a stolen cookie's socket outlives the
// logout). In every round it checks the sessions of requests that have run for
// a round, as for a new request, so that it notices every end of a session: on
// this instance, on another, or by expiry. A store that does not answer cuts no
// request.
//
// The zero value is ready. It must live as long as its store: the requests of
// an old configuration go on after a reload if the one in force lets them, see
// [Successor]. No goroutine runs while no request is watched.
type List struct {
	mu      sync.Mutex
	first   *Running // the first running request
	working bool     // the goroutine runs
	closed  bool
	stop    chan struct{}
	work    sync.WaitGroup
}

// Watch returns the request to forward. Its context and its connection end when
// the session does. n is part of request, and value is the value that the
// session was read from. The caller must call [Running.Done] when the request
// has ended; w is not used after that.
func (l *List) Watch(n *Running, request Watched, value string, w http.ResponseWriter, r *http.Request) (forwarded *http.Request) {
	ctx, cancel := context.WithCancelCause(r.Context())
	n.list, n.request, n.value, n.w, n.cancel = l, request, value, w, cancel
	if !l.enter(n) {
		cancel(ErrOver)
	}
	return r.WithContext(ctx)
}

// enter adds a request to the list. It returns false if the list is closed.
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

// leave removes a request from the list.
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

// Renewed sets a session's new value in its running requests: the value that
// they came with expires although the session goes on. On a nil List it does
// nothing.
func (l *List) Renewed(id session.ID, value string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for n := l.first; n != nil; n = n.next {
		if n.request.SessionID() == id {
			n.value = value
		}
	}
}

// Close cuts all running requests, because the end of their sessions would no
// longer be noticed. It returns when the goroutine has ended. Closing nil, or
// twice, is no error.
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
