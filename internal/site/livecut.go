package site

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// question is a session to ask about.
type question struct {
	r     *Request
	Value string
}

// round collects whom to ask about, and says whether anybody runs at all.
func (l *Live) round(due []question) ([]question, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first == nil || l.closed {
		l.working = false
		return due, false
	}
	for r := l.first; r != nil; r = r.running.next {
		if r.running.Asked {
			due = append(due, question{r, r.running.Value})
		}
		r.running.Asked = true
	}
	return due, true
}

// ask asks about all of them, some at a time, and cuts those that are over.
func ask(due []question) {
	var next atomic.Int64
	var askers sync.WaitGroup
	for range min(len(due), liveAskers) {
		askers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(due)); i = next.Add(1) - 1 {
				due[i].ask()
			}
		})
	}
	askers.Wait()
}

// ask cuts the request if its session is over. Only a clear no is a no: a store
// that cannot be asked ends nothing.
func (q question) ask() {
	n := &q.r.running
	if left := n.leaving.Load(); left > 1 {
		n.leaving.Store(left - 1)
		return
	}
	if IsNobody(n.of.holds(q.r, q.Value)) || n.displaced(q) {
		n.cut()
	}
}

// holds says whether what a session has let in may go on.
func (site *Site) holds(r *Request, value string) error {
	_, err := site.lookup(r, value)
	if errors.Is(err, session.ErrReplaced) {
		err = site.stillHolds(r)
	}
	return err
}

// cut ends a running request. The deadlines are for handlers that do not look at
// their context, and for a client that does not read: a write that hangs would
// hang on. They are repeated in every round for as long as the request runs, since
// others may set deadlines too.
func (n *running) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cancel == nil {
		return
	}
	n.cancel(errSessionOver)
	control := http.NewResponseController(innermost(n.w))
	_ = control.SetReadDeadline(time.Unix(1, 0)) // not every ResponseWriter can; the context has said it
	_ = control.SetWriteDeadline(time.Unix(1, 0))
}

// innermost returns the server's own writer. Its deadlines may be set while another
// goroutine writes. Those of what wraps it may not: Caddy's idle timeouts note them
// in the writer, unguarded (2.11.9).
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = outer.Unwrap()
	}
}

// Over returns an error if a request of [Gate.Watch] was cut: from then on nothing may
// be written to its visitor, whatever its handler looks at. ctx is the forwarded
// request's.
func Over(ctx context.Context) error {
	if cause := context.Cause(ctx); errors.Is(cause, session.ErrEnded) {
		return cause
	}
	return nil
}

// Renewed notes a session's new value for those of its requests that run: the
// Value they came with expires although the session lives on.
func (l *Live) renewed(id session.ID, value string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for r := l.first; r != nil; r = r.running.next {
		if r.Identity.Session.ID == id {
			r.running.Value = value
		}
	}
}
