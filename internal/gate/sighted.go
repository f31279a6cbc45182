package gate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/session"
)

// maxSighted bounds what is kept. Only codes that WeChat took are.
const maxSighted = 4096

// sighted holds what WeChat said for codes whose sign-in could then not be kept: the
// code is spent, and the visitor who asks again, when the store is back, must not be
// sent to WeChat once more. What it holds is in the memory of this instance only.
type sighted struct {
	mu  sync.Mutex
	all map[string]sightedOnce
}

type sightedOnce struct {
	sighting ledger.Sighting
	owner    owner
	until    time.Time
}

// sightKey is a code, and who may come back with it.
type sightKey struct {
	name string // of the code
	hit  hit
}

// sightKey names the code of a hit at an account of a site.
func (h hit) sightKey(b session.Binding) sightKey {
	return sightKey{name: onceKey("sighted", b.AppID, b.Site, h.id, h.code), hit: h}
}

// take returns what is known of a code, once. For a foreign hit it stays where it is
// (attack: during an outage, somebody else with the code takes the sign-in, or takes
// it away).
func (s *sighted) take(key sightKey) (sighting ledger.Sighting, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.all[key.name]
	switch {
	case !ok:
		return ledger.Sighting{}, false, nil
	case !time.Now().Before(one.until):
		delete(s.all, key.name)
		return ledger.Sighting{}, false, nil
	case !key.hit.owns(one.owner):
		return ledger.Sighting{}, false, errForeign
	}
	delete(s.all, key.name)
	return one.sighting, true, nil
}

func (s *sighted) keep(key sightKey, sighting ledger.Sighting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for k, one := range s.all { // few, and only while a store is down
		if now.After(one.until) || len(s.all) >= maxSighted {
			delete(s.all, k)
		}
	}
	if s.all == nil {
		s.all = make(map[string]sightedOnce)
	}
	s.all[key.name] = sightedOnce{sighting, key.hit.owner, now.Add(key.hit.ttl(false))}
}

// sight spends a code, or remembers what it was spent for in the same dance, by key. A
// ledger that cannot be written is found out before.
func (g *Gate) sight(ctx context.Context, key sightKey, see func() (ledger.Sighting, error)) (ledger.Sighting, error) {
	if err := g.Hub.Ledger.Ready(ctx); err != nil {
		return ledger.Sighting{}, fmt.Errorf("gate: before a code is spent: %w", outage.During(outage.CallWrite, err))
	}
	if s, ok, err := g.Hub.Results.sighted.take(key); ok || err != nil {
		return s, err
	}
	asked := time.Now()
	s, err := see()
	s.At = asked // what it says was so then
	return s, err
}

// stillGiven takes out of a sighting what was withdrawn while WeChat was asked: it must
// not come back by the answer. Who is here is signed in all the same, and asked anew.
// What was ended in the second of the question counts as before it.
func (g *Gate) stillGiven(ctx context.Context, s ledger.Sighting) ledger.Sighting {
	if g.Hub.PersonEnded == nil || !s.Consent && s.Profile == nil {
		return s
	}
	p, err := g.Hub.Ledger.FindOpenID(ctx, s.AppID, s.OpenID)
	if err == nil && g.Hub.PersonEnded(p.ID).After(s.At) {
		s.Consent, s.Profile, s.Grant, s.Phone = false, nil, nil, ""
	}
	return s
}

// enrol makes the session of a sighting: the ledger says which person it is, and the
// store keeps the session. Where either cannot be asked the sighting is kept for when
// the client asks again.
func (g *Gate) enrol(ctx context.Context, b session.Binding, key sightKey, s ledger.Sighting, who visitor, scopeOf func(ledger.Person) string) (enrolled, error) {
	s = g.stillGiven(ctx, s)
	seen := s
	seen.SignedIn = s.SignedIn && g.mayTellSignIn(ctx, s, key.name)
	person, err := g.Hub.Ledger.See(ctx, seen)
	if err != nil {
		return enrolled{}, g.later(key, s, fmt.Errorf("gate: ledger: %w", outage.During(outage.CallWrite, err)))
	}
	g.log().Worked(outage.Write)
	// Always a new session with a new id (attack: session fixation,
	// GHSA-f24x-5g9q-753f).
	e := enrolled{person: person, session: session.New(b, person.ID, s.OpenID, scopeOf(person))}
	if e.value, err = g.keepNew(ctx, e.session, person, who); err != nil {
		return enrolled{}, g.later(key, s, fmt.Errorf("gate: save session: %w", err))
	}
	return e, nil
}

// mayTellSignIn reports whether a sign-in is to be told. Before its openid is known, the
// openid stands for the person. id names the sign-in.
func (g *Gate) mayTellSignIn(ctx context.Context, s ledger.Sighting, id string) bool {
	who := s.AppID + " " + s.OpenID
	if p, err := g.Hub.Ledger.FindOpenID(ctx, s.AppID, s.OpenID); err == nil {
		who = p.ID
	}
	return g.teller().May(ledger.SignedIn, who, id)
}

// enrolled is somebody who has a session now.
type enrolled struct {
	person  ledger.Person
	session *session.Session
	value   string
}

// later keeps a sighting if err is an outage, and returns err.
func (g *Gate) later(key sightKey, s ledger.Sighting, err error) error {
	if errors.Is(err, ledger.ErrUnavailable) || errors.Is(err, session.ErrUnavailable) {
		g.Hub.Results.sighted.keep(key, s)
	}
	return err
}
