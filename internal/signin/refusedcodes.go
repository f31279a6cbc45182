package signin

import (
	"errors"
	"sync"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechat"
)

const (
	// refusedTTL is how long a refused code is answered from memory.
	refusedTTL = 10 * time.Second
	// maxRefused bounds the remembered codes; the oldest is dropped first.
	// Admission slows down a client that invents codes faster.
	maxRefused = 8192
)

// refusedCodes remembers final refusals of codes, so that a repeated code causes
// one call to WeChat (attack: a client that repeats a bad code uses up the
// account's calls). The zero value is ready.
type refusedCodes struct {
	mu    sync.Mutex
	all   map[resultKey]error
	order []refusal // oldest first
}

type refusal struct {
	key   resultKey
	until time.Time
}

// find returns the refusal of a code, nil if none is remembered.
func (s *refusedCodes) find(key resultKey) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prune(time.Now(), maxRefused)
	return s.all[key]
}

// note remembers err if it is WeChat's own final answer, or ours, which cannot
// change for this code. It does not remember an outage.
func (s *refusedCodes) note(key resultKey, err error) {
	var e *wechat.Error
	answered := errors.As(err, &e) && e.Answered() && (errors.Is(err, wechat.ErrRestart) || errors.Is(err, wechat.ErrDeny))
	if !answered && !errors.Is(err, ErrNotAllowed) { // which spent the code, too
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.prune(now, maxRefused-1); s.all[key] != nil {
		return
	}
	if s.all == nil {
		s.all = make(map[resultKey]error)
	}
	s.all[key] = err
	s.order = append(s.order, refusal{key, now.Add(refusedTTL)})
}

// prune drops expired refusals, and the oldest ones beyond a limit.
func (s *refusedCodes) prune(now time.Time, limit int) {
	for len(s.order) > 0 && (len(s.order) > limit || !now.Before(s.order[0].until)) {
		delete(s.all, s.order[0].key)
		s.order = s.order[1:]
	}
}
