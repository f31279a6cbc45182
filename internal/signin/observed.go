package signin

import (
	"sync"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/session"
)

// maxSighted bounds the remembered codes. Only codes that WeChat accepted are
// remembered.
const maxSighted = 4096

// observed remembers WeChat's answers for codes whose sign-in could then not be
// stored: the code is spent, and a visitor who tries again when the store is
// back must not be sent to WeChat once more. It is in the memory of this
// instance only.
type observed struct {
	mu  sync.Mutex
	all map[string]observedOnce
}

type observedOnce struct {
	sighting ledger.Observation
	owner    Owner
	until    time.Time
}

// observedKey is a code and the hit that may use it again.
type observedKey struct {
	name string // of the code
	hit  Hit
}

// observedKey names the code of a hit at an account of a site.
func (h Hit) observedKey(b session.Binding) observedKey {
	return observedKey{name: OnceKey("sighted", b.AppID, b.Site, h.ID, h.Code), hit: h}
}

// take returns the observation of a code, once. For a foreign hit the
// observation stays (attack: during an outage, another client with the code
// takes over the sign-in or makes it fail).
func (s *observed) take(key observedKey) (sighting ledger.Observation, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.all[key.name]
	switch {
	case !ok:
		return ledger.Observation{}, false, nil
	case !time.Now().Before(one.until):
		delete(s.all, key.name)
		return ledger.Observation{}, false, nil
	case !key.hit.owns(one.owner):
		return ledger.Observation{}, false, errForeign
	}
	delete(s.all, key.name)
	return one.sighting, true, nil
}

func (s *observed) keep(key observedKey, sighting ledger.Observation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for k, one := range s.all { // few, and only while a store is down
		if now.After(one.until) || len(s.all) >= maxSighted {
			delete(s.all, k)
		}
	}
	if s.all == nil {
		s.all = make(map[string]observedOnce)
	}
	s.all[key.name] = observedOnce{sighting, key.hit.Owner, now.Add(key.hit.ttl(false))}
}
