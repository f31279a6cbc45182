package signin

import (
	"sync"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/session"
)

// maxSpentCodes bounds the remembered codes. Only codes that WeChat accepted
// are remembered.
const maxSpentCodes = 4096

// spentCodes remembers WeChat's answers for codes whose sign-in could then not
// be stored: the code is spent, and a visitor who tries again when the store is
// back must not be sent to WeChat once more. It is in the memory of this
// instance only.
type spentCodes struct {
	mu  sync.Mutex
	all map[string]spentCode
}

type spentCode struct {
	observation ledger.Observation
	nonce       NonceHash
	until       time.Time
}

// spentKey is a code and the hit that may use it again.
type spentKey struct {
	name string // of the code
	hit  Hit
}

// spentKey names the code of a hit at an account of a site.
func (h Hit) spentKey(b session.Binding) spentKey {
	return spentKey{name: OnceKey("spent", b.AppID, b.Site, h.ID, h.Code), hit: h}
}

// take returns the observation of a code, once. For a foreign hit the
// observation stays (attack: during an outage, another client with the code
// takes over the sign-in or makes it fail).
func (s *spentCodes) take(key spentKey) (observation ledger.Observation, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.all[key.name]
	switch {
	case !ok:
		return ledger.Observation{}, false, nil
	case !time.Now().Before(one.until):
		delete(s.all, key.name)
		return ledger.Observation{}, false, nil
	case !key.hit.sameNonce(one.nonce):
		return ledger.Observation{}, false, errOtherNonce
	}
	delete(s.all, key.name)
	return one.observation, true, nil
}

func (s *spentCodes) keep(key spentKey, observation ledger.Observation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for k, one := range s.all { // few, and only while a store is down
		if now.After(one.until) || len(s.all) >= maxSpentCodes {
			delete(s.all, k)
		}
	}
	if s.all == nil {
		s.all = make(map[string]spentCode)
	}
	s.all[key.name] = spentCode{observation, key.hit.NonceHash, now.Add(key.hit.ttl(false))}
}
