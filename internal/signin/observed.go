package signin

import (
	"sync"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/session"
)

// maxObserved bounds the remembered codes. Only codes that WeChat accepted are
// remembered.
const maxObserved = 4096

// observed remembers WeChat's answers for codes whose sign-in could then not be
// stored: the code is spent, and a visitor who tries again when the store is
// back must not be sent to WeChat once more. It is in the memory of this
// instance only.
type observed struct {
	mu  sync.Mutex
	all map[string]observedOnce
}

type observedOnce struct {
	observation ledger.Observation
	nonce       NonceHash
	until       time.Time
}

// observedKey is a code and the hit that may use it again.
type observedKey struct {
	name string // of the code
	hit  Hit
}

// observedKey names the code of a hit at an account of a site.
func (h Hit) observedKey(b session.Binding) observedKey {
	return observedKey{name: OnceKey("observed", b.AppID, b.Site, h.ID, h.Code), hit: h}
}

// take returns the observation of a code, once. For a foreign hit the
// observation stays (attack: during an outage, another client with the code
// takes over the sign-in or makes it fail).
func (s *observed) take(key observedKey) (observation ledger.Observation, ok bool, err error) {
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
		return ledger.Observation{}, false, errForeign
	}
	delete(s.all, key.name)
	return one.observation, true, nil
}

func (s *observed) keep(key observedKey, observation ledger.Observation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for k, one := range s.all { // few, and only while a store is down
		if now.After(one.until) || len(s.all) >= maxObserved {
			delete(s.all, k)
		}
	}
	if s.all == nil {
		s.all = make(map[string]observedOnce)
	}
	s.all[key.name] = observedOnce{observation, key.hit.NonceHash, now.Add(key.hit.ttl(false))}
}
