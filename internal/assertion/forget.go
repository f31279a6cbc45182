package assertion

import (
	"slices"
	"time"
)

// Forget removes what is prepared about these persons. An identity that holds a
// Statement keeps it.
func (s *Signer) Forget(persons ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for says := range s.statements {
		if slices.Contains(persons, says.claims.Subject) {
			delete(s.statements, says)
		}
	}
}

// sweepLater has the statements swept until none is left. The caller holds the
// lock.
func (s *Signer) sweepLater() {
	if !s.sweeping {
		s.sweeping = true
		time.AfterFunc(reuse, s.sweep)
	}
}

// sweep removes the statements that share no token any more: they save nothing,
// and what they say about a person must not stay in memory for long.
func (s *Signer) sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for says, made := range s.statements {
		if last := made.last.Load(); now.Sub(made.at) >= reuse && (last == nil || now.Sub(last.at) >= reuse) {
			delete(s.statements, says)
		}
	}
	if s.sweeping = false; len(s.statements) > 0 {
		s.sweepLater()
	}
}
