package session

import (
	"context"
	"time"
)

// A line is the sequence of sessions that one browser, or client, made on a
// site: the silent one, the one with consent, the next one after its end. All
// of them end together. Without lines a logout would end only the newest
// session, and a copy of an earlier cookie would still work (attack: the first
// visit leaves two sessions).

// Linger is how long a replaced session is still accepted, for requests that
// were under way when their browser got the new one.
const Linger = 10 * time.Second

// LineID returns the id of the session's line. The first session of a line
// gives the line its own id, as does a session made before lines were recorded.
func (s *Session) LineID() ID {
	if s.Line == (ID{}) {
		return s.ID
	}
	return s.Line
}

// ReplacedMark is the id by which tombstones remember that the session was
// replaced. It differs from the session's own id, which may name a line that
// lives on, and from the ids of all other sessions, which are random.
func (s *Session) ReplacedMark() ID {
	mark := s.ID
	for i := range mark {
		mark[i] ^= 0xa5
	}
	return mark
}

// Over returns what tombstones know of the session: nil if it lives, ErrEnded
// if it or its line has ended, ErrReplaced if a newer session has taken its
// place.
func (s *Session) Over(ended func(id [16]byte) bool) error {
	switch {
	case ended == nil:
		return nil
	case ended(s.ID), s.Line != ID{} && ended(s.Line):
		return ErrEnded
	case ended(s.ReplacedMark()):
		return ErrReplaced
	default:
		return nil
	}
}

// DelayedTombstones are Tombstones that can end a session a little later.
type DelayedTombstones interface {
	Tombstones

	// EndSessionAt is EndSession for an end that begins at the given moment. Of
	// two calls for one id the earlier moment counts.
	EndSessionAt(ctx context.Context, id [16]byte, from, until time.Time) error

	// EndsAt returns the moment given to EndSessionAt, even if it is still to
	// come; zero if there is none. It answers from memory.
	EndsAt(id [16]byte) time.Time
}

// Leaving reports whether the session was replaced and is accepted for a few
// more seconds only.
func (s *Session) Leaving() bool { return !s.leaves.IsZero() }
