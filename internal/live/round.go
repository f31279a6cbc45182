package live

import (
	"sync"
	"sync/atomic"
	"time"
)

// question is a session to check.
type question struct {
	n     *Running
	value string
}

// run checks all requests in rounds, until none is left.
func (l *List) run(stop <-chan struct{}) {
	ticker := time.NewTicker(round)
	defer ticker.Stop()
	var due []question
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		var more bool
		if due, more = l.collect(due[:0]); !more {
			return
		}
		askAll(due)
		clear(due) // so that due keeps no request in memory
	}
}

// collect returns the requests to check in this round, and whether any request
// runs.
func (l *List) collect(due []question) ([]question, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first == nil || l.closed {
		l.working = false
		return due, false
	}
	for n := l.first; n != nil; n = n.next {
		if n.asked {
			due = append(due, question{n, n.value})
		}
		n.asked = true
	}
	return due, true
}

// askAll checks all questions, maxAskers at a time, and cuts the requests whose
// session has ended.
func askAll(due []question) {
	var next atomic.Int64
	var askers sync.WaitGroup
	for range min(len(due), maxAskers) {
		askers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(due)); i = next.Add(1) - 1 {
				due[i].ask()
			}
		})
	}
	askers.Wait()
}

// ask cuts the request if its session has ended, or if it no longer has a
// successor. A store that does not answer ends nothing.
func (q question) ask() {
	n := q.n
	if left := n.leaving.Load(); left > 1 {
		n.leaving.Store(left - 1)
		return
	}
	if n.request.Check(q.value).no() || n.endedBySuccessor(q.value) {
		n.cut()
	}
}
