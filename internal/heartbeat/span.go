package heartbeat

import (
	"sync/atomic"
	"time"
)

// span is a time in which no announcement was missed.
type span struct {
	since  time.Time
	proven atomic.Int64 // when the last heartbeat that came back was sent, in ns after since
}

func (s *span) until() time.Time { return s.since.Add(time.Duration(s.proven.Load())) }

// prove notes a heartbeat that came back. One sent before the span began proves
// nothing more: it was on its way already.
func (s *span) prove(sent time.Time) {
	if after := int64(sent.Sub(s.since)); after > s.proven.Load() {
		s.proven.Store(after)
	}
}

// spans are the span that is not over, if there is one, and the one before it.
type spans struct{ now, last atomic.Pointer[span] }

// begin begins a span and ends the one before.
func (s *spans) begin(now time.Time) {
	s.end()
	s.now.Store(&span{since: now})
}

// end ends the span, and reports whether there was one.
func (s *spans) end() bool {
	over := s.now.Swap(nil)
	if over != nil {
		s.last.Store(over)
	}
	return over != nil
}

// Covers reports whether everything that was announced after t has been received,
// but for what was announced within the last moment before now. It is false for a
// Connection that is nil or does not hear.
func (c *Connection) Covers(t, now time.Time, within time.Duration) bool {
	if c == nil {
		return false
	}
	s := c.spans.now.Load()
	return s != nil && t.After(s.since) && now.Sub(s.until()) < within
}

// Confirmed returns until when what was read at t was certainly still so, had
// nothing been announced about it: t itself, or later.
func (c *Connection) Confirmed(t time.Time) time.Time {
	if c == nil {
		return t
	}
	for _, p := range []*atomic.Pointer[span]{&c.spans.now, &c.spans.last} {
		if s := p.Load(); s != nil && t.After(s.since) {
			if until := s.until(); until.After(t) {
				return until
			}
			return t
		}
	}
	return t
}
