package live

import (
	"sync"
	"sync/atomic"
	"time"
)

// question is a session to ask about.
type question struct {
	n     *Running
	value string
}

// run looks at everybody, round after round, until nobody is left.
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
		clear(due) // keeps no request alive
	}
}

// collect says whom to ask about in this round, and whether anybody runs at all.
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

// askAll asks about all of them, some at a time, and cuts those that are over.
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

// ask cuts the request if its session is over, or if it has no place any more. Only
// a clear no is a no: a store that cannot be asked ends nothing.
func (q question) ask() {
	n := q.n
	if left := n.leaving.Load(); left > 1 {
		n.leaving.Store(left - 1)
		return
	}
	if n.owner.Holds(q.value).no() || n.displaced(q.value) {
		n.cut()
	}
}
