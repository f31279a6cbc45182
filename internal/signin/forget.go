package signin

import (
	"slices"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Forget removes the outcomes of these persons' sign-ins: a browser that
// repeats one signs in again.
func (s *Once) Forget(persons ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, o := range s.done {
		if o.Session != nil && slices.Contains(persons, o.Session.Person) {
			delete(s.done, key)
		}
	}
}

// keepSpent keeps WeChat's answer for a code whose sign-in could not be stored.
func (s *Once) keepSpent(key spentKey, observation ledger.Observation) {
	s.spent.keep(key, observation)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweepLater()
}

// sweepLater has outcomes and codes removed when they have expired, until none
// is left: they hold openids, and no other sign-in may come. The caller holds
// mu.
func (s *Once) sweepLater() {
	if !s.sweeping {
		s.sweeping = true
		time.AfterFunc(resultTTL, s.sweep)
	}
}

func (s *Once) sweep() {
	now := time.Now()
	left := s.spent.sweep(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, o := range s.done {
		if !now.Before(o.until) {
			delete(s.done, key)
		}
	}
	if s.sweeping = false; left+len(s.done) > 0 {
		s.sweepLater()
	}
}

// sweep removes expired codes, and returns how many are left.
func (s *spentCodes) sweep(now time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, one := range s.all {
		if !now.Before(one.until) {
			delete(s.all, key)
		}
	}
	return len(s.all)
}
