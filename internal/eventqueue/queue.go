package eventqueue

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/limit"
)

const (
	// Size is the number of events that wait at most. Events of one name get a
	// quarter of it, so that a flood of them does not displace others (attack:
	// refused sign-ins hide an outage).
	Size    = 1024
	perName = Size / 4

	// patience is how long Close lets waiting events be delivered before it
	// cancels the handlers, and then how long it waits for the last one.
	patience = 3 * time.Second
	farewell = time.Second
)

// Rate limits the events of one name. Many handlers start a program for each
// event, and strangers can cause events (attack: a flood of refused sign-ins
// starts thousands of programs).
var Rate = limit.Rate{Burst: 100, Every: 50 * time.Millisecond}

// lineRate limits each of the queue's log lines.
var lineRate = limit.Rate{Burst: 1, Every: time.Minute}

// Event is one event on its way to the handlers.
type Event struct {
	Name audit.Event
	Data map[string]any // not changed after Emit
}

// Queue takes events from requests and delivers them in order, one at a time.
// Make it with [New], call Start once, and Close.
type Queue struct {
	deliver func(context.Context, Event)
	logger  *slog.Logger
	waiting chan Event

	mu      sync.Mutex
	names   map[audit.Event]*share // by name; names are ours, so there are few
	closed  bool
	unheard bool // nothing listens: events are forgotten at once

	ctx    context.Context // of the handlers
	cancel context.CancelFunc
	closes chan struct{} // closed by Close
	over   chan struct{} // closed when the goroutine has ended; nil before Start

	delivered, dropped atomic.Uint64
	full, panics       limit.Line
}

// share is what the events of one name use of the queue.
type share struct {
	rate    limit.One
	waiting int
}

// New returns a queue. deliver calls the handlers of an event, and returns when
// they have; its context ends only if Close has waited long enough: a program
// that a handler has started in the background goes on after a reload. Events
// that come before Start wait.
func New(deliver func(context.Context, Event), logger *slog.Logger) *Queue {
	q := &Queue{deliver: deliver, logger: logger, waiting: make(chan Event, Size), names: make(map[audit.Event]*share), closes: make(chan struct{})}
	q.ctx, q.cancel = context.WithCancel(context.Background())
	return q
}

// Emit leaves an event and returns at once. It returns false if the queue is
// closed. If the queue is full, the event is dropped (attack: a flood of
// sign-ins, or a handler that hangs, takes memory or holds up visitors).
func (q *Queue) Emit(e Event) (open bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return false
	case q.unheard:
		return true
	}
	if s := q.share(e.Name); len(q.waiting) < Size && s.waiting < perName && s.rate.Take(Rate) {
		s.waiting++
		q.waiting <- e // does not block: only Emit puts in, and it holds the lock
		return true
	}
	q.dropped.Add(1)
	if ok, left := q.full.Take(lineRate); ok {
		q.logger.Warn("events are dropped: there are too many, or a handler of the events app is too slow",
			slog.String("event", string(e.Name)), slog.Uint64("dropped", q.dropped.Load()), slog.Int("left_out", left))
	}
	return true
}

// share returns the share of a name. The caller holds the lock.
func (q *Queue) share(name audit.Event) *share {
	s := q.names[name]
	if s == nil {
		s = new(share)
		q.names[name] = s
	}
	return s
}

// Start begins to deliver. If nothing listens, waiting and later events are
// forgotten, and no goroutine runs. A second call, and one after Close, do
// nothing.
func (q *Queue) Start(listens bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.over != nil || q.unheard {
		return
	}
	if q.unheard = !listens; q.unheard {
		for len(q.waiting) > 0 {
			<-q.waiting
		}
		return
	}
	q.over = make(chan struct{})
	go q.run(q.over)
}

func (q *Queue) run(over chan struct{}) {
	defer close(over)
	for q.ctx.Err() == nil {
		select {
		case e := <-q.waiting:
			q.handle(e)
			continue
		default:
		}
		select {
		case e := <-q.waiting:
			q.handle(e)
		case <-q.closes: // no event comes any more
			if len(q.waiting) == 0 {
				return
			}
		}
	}
}

// handle delivers one event. A handler that panics does not end the server.
func (q *Queue) handle(e Event) {
	defer func() {
		if what := recover(); what != nil {
			if ok, left := q.panics.Take(lineRate); ok {
				q.logger.Error("a handler of the events app panicked", slog.String("event", string(e.Name)), slog.String("panic", fmt.Sprintf("%.200v", what)), slog.Int("left_out", left))
			}
		}
	}()
	q.mu.Lock()
	q.share(e.Name).waiting--
	q.mu.Unlock()
	q.deliver(q.ctx, e)
	q.delivered.Add(1)
}

// Close refuses further events and delivers those that wait, within a few
// seconds. After that, handlers are canceled, and one that does not heed that
// is left behind. Events that are lost are counted in the log. Close may be
// called twice.
func (q *Queue) Close() {
	q.mu.Lock()
	first, over := !q.closed, q.over
	q.closed = true
	q.mu.Unlock()
	if !first {
		return
	}
	close(q.closes)
	if over == nil {
		return
	}
	if !within(over, patience) {
		q.cancel()
		within(over, farewell)
	}
	if lost := len(q.waiting); lost > 0 {
		q.dropped.Add(uint64(lost))
		q.logger.Warn("events were lost at the end of this configuration: a handler of the events app is too slow", slog.Int("events", lost))
	}
}

// within reports whether over is closed in this time.
func within(over <-chan struct{}, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-over:
		return true
	case <-timer.C:
		return false
	}
}

// Counts returns how many events were delivered and dropped so far.
func (q *Queue) Counts() (delivered, dropped uint64) {
	return q.delivered.Load(), q.dropped.Load()
}
