package assertion

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// maxStatements bounds the statements that a Signer keeps. One is about 2 KB.
const maxStatements = 16384

// Signer signs assertions. The zero Signer with a Ring is ready, and safe for
// concurrent use. It must not be copied.
type Signer struct {
	Ring *session.Ring

	es256, eddsa atomic.Pointer[keySet]
	deriving     sync.Mutex

	mu         sync.Mutex
	statements map[statementKey]*Statement
	sweeping   bool
}

// statementKey is what a token depends on, apart from the time and the key.
type statementKey struct {
	claims Claims
	rule   Rule
}

// Statement prepares the claims of a visitor. Equal claims under an equal rule
// share one Statement, and so its token; anything that changes makes another,
// so no token says what was true before.
func (s *Signer) Statement(rule Rule, c Claims) *Statement {
	says := statementKey{c, rule}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.statements[says]; known != nil {
		return known
	}
	if s.statements == nil {
		s.statements = make(map[statementKey]*Statement)
	}
	s.makeRoom()
	made := &Statement{signer: s, statementKey: says, at: time.Now()}
	s.statements[says] = made
	s.sweepLater()
	return made
}

// makeRoom drops an arbitrary eighth of the statements if there are too many.
// Map order is random enough. A visitor whose statement is dropped keeps it
// until the identity is prepared again.
func (s *Signer) makeRoom() {
	if len(s.statements) < maxStatements {
		return
	}
	dropped := 0
	for says := range s.statements {
		delete(s.statements, says)
		if dropped++; dropped >= maxStatements/8 {
			return
		}
	}
}

// JWKS returns the public keys of the whole ring as a JSON Web Key Set. A key
// is in it before it signs, and not any more when it has left the ring.
func (s *Signer) JWKS(a Algorithm) ([]byte, error) {
	set, err := s.keys(a)
	if err != nil {
		return nil, err
	}
	return set.jwks, nil
}

// keys returns the keys of the ring as it is now.
func (s *Signer) keys(a Algorithm) (*keySet, error) {
	held := &s.es256
	if a == EdDSA {
		held = &s.eddsa
	}
	if set := held.Load(); set != nil && set.version == s.Ring.Version() {
		return set, nil
	}
	s.deriving.Lock()
	defer s.deriving.Unlock()
	if set := held.Load(); set != nil && set.version == s.Ring.Version() {
		return set, nil // another request was faster
	}
	set, err := newKeySet(s.Ring, a)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsigned, err)
	}
	held.Store(set)
	return set, nil
}
