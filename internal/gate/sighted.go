package gate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/session"
)

const (
	sightedTTL = 2 * time.Minute // WeChat's codes live for five
	maxSighted = 4096
)

// sighted holds what WeChat said for codes whose sign-in could then not be kept: the
// code is spent, and the visitor who asks again, when the store is back, must not be
// sent to WeChat once more. What it holds is in the memory of this instance only.
type sighted struct {
	mu  sync.Mutex
	all map[string]sightedOnce
}

type sightedOnce struct {
	sighting ledger.Sighting
	until    time.Time
}

// take returns what is known of a code, once.
func (s *sighted) take(key string) (ledger.Sighting, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.all[key]
	delete(s.all, key)
	return one.sighting, ok && time.Now().Before(one.until)
}

func (s *sighted) keep(key string, sighting ledger.Sighting) {
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
	s.all[key] = sightedOnce{sighting, now.Add(sightedTTL)}
}

// sight spends a code, or remembers what it was spent for in the same dance, by key. A
// ledger that cannot be written is found out before.
func (g *Gate) sight(ctx context.Context, key string, see func() (ledger.Sighting, error)) (ledger.Sighting, error) {
	if err := g.Hub.Ledger.Ready(ctx); err != nil {
		return ledger.Sighting{}, fmt.Errorf("gate: before a code is spent: %w", err)
	}
	if s, ok := g.Hub.Results.sighted.take(key); ok {
		return s, nil
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
func (g *Gate) enrol(ctx context.Context, b session.Binding, key string, s ledger.Sighting, who visitor, scopeOf func(ledger.Person) string) (enrolled, error) {
	s = g.stillGiven(ctx, s)
	seen := s
	seen.SignedIn = s.SignedIn && g.mayTellSignIn(ctx, s, key)
	person, err := g.Hub.Ledger.See(ctx, seen)
	if err != nil {
		return enrolled{}, g.later(key, s, fmt.Errorf("gate: ledger: %w", err))
	}
	// Always a new session with a new id (attack: session fixation,
	// GHSA-f24x-5g9q-753f).
	e := enrolled{person: person, session: session.New(b, person.ID, s.OpenID, scopeOf(person))}
	if e.value, err = g.keepNew(ctx, e.session, who); err != nil {
		return enrolled{}, g.later(key, s, fmt.Errorf("gate: save session: %w", err))
	}
	return e, nil
}

// enrolled is somebody who has a session now.
type enrolled struct {
	person  ledger.Person
	session *session.Session
	value   string
}

// later keeps a sighting if err is an outage, and returns err.
func (g *Gate) later(key string, s ledger.Sighting, err error) error {
	if errors.Is(err, ledger.ErrUnavailable) || errors.Is(err, session.ErrUnavailable) {
		g.Hub.Results.sighted.keep(key, s)
	}
	return err
}
