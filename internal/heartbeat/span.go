package heartbeat

import (
	"sync/atomic"
	"time"
)

// span is a time in which no announcement was missed.
type span struct {
	begun  time.Time    // when the first heartbeat came back on the subscription
	since  time.Time    // begun, or when heartbeats came back after the last silence
	proven atomic.Int64 // when the last heartbeat that came back was sent, in ns after since; may be negative
}

func newSpan(begun, since, sent time.Time) *span {
	s := &span{begun: begun, since: since}
	s.proven.Store(int64(sent.Sub(since)))
	return s
}

func (s *span) until() time.Time { return s.since.Add(time.Duration(s.proven.Load())) }

// prove records a heartbeat that came back.
func (s *span) prove(sent time.Time) { s.proven.Store(int64(sent.Sub(s.since))) }

// spans are the current span, if there is one, and the one before it.
type spans struct{ now, last atomic.Pointer[span] }

// hear records a heartbeat that came back now. After a silence a new span
// begins. It reports whether one begins.
func (s *spans) hear(now, sent time.Time, silent bool) bool {
	switch on := s.now.Load(); {
	case on == nil:
		s.now.Store(newSpan(now, now, sent))
	case silent:
		s.now.Store(newSpan(on.begun, now, sent))
	default:
		on.prove(sent)
		return false
	}
	return true
}

// end ends the span, and reports whether there was one.
func (s *spans) end() bool {
	over := s.now.Swap(nil)
	if over != nil {
		s.last.Store(over)
	}
	return over != nil
}

// Covers reports whether everything that was announced after t has been
// received, except for announcements within the last moment before now. It is
// false for a nil Connection and for one that does not hear.
func (c *Connection) Covers(t, now time.Time, within time.Duration) bool {
	if c == nil {
		return false
	}
	s := c.spans.now.Load()
	return s != nil && t.After(s.since) && now.Sub(s.until()) < within
}

// Confirmed returns the time until which data read at t was certainly still
// valid, if no announcement about it came: t or later. It ignores silences and
// relies on the Bus to report lost messages. Use it while Redis cannot be
// asked.
func (c *Connection) Confirmed(t time.Time) time.Time {
	if c == nil {
		return t
	}
	for _, p := range []*atomic.Pointer[span]{&c.spans.now, &c.spans.last} {
		if s := p.Load(); s != nil && t.After(s.begun) {
			if until := s.until(); until.After(t) {
				return until
			}
			return t
		}
	}
	return t
}
