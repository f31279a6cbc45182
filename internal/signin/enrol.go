package signin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// sight spends a code, or remembers what it was spent for in the same dance, by key. A
// ledger that cannot be written is found out before.
func (s Signer) sight(ctx context.Context, key observedKey, see func() (ledger.Observation, error)) (ledger.Observation, error) {
	if err := s.Ledger.Ready(ctx); err != nil {
		return ledger.Observation{}, fmt.Errorf("signin: before a code is spent: %w", outage.During(outage.CallWrite, err))
	}
	if known, ok, err := s.Once.observed.take(key); ok || err != nil {
		return known, err
	}
	asked := time.Now()
	seen, err := see()
	seen.At = asked // what it says was so then
	return seen, err
}

// stillGiven takes out of a sighting what was withdrawn while WeChat was asked: it must
// not come back by the answer. Who is here is signed in all the same, and asked anew.
// What was ended in the second of the question counts as before it.
func (s Signer) stillGiven(ctx context.Context, seen ledger.Observation) ledger.Observation {
	if s.PersonEnded == nil || !seen.Consent && seen.Profile == nil {
		return seen
	}
	p, err := s.Ledger.FindOpenID(ctx, seen.AppID, seen.OpenID)
	if err == nil && s.PersonEnded(p.ID).After(seen.At) {
		seen.Consent, seen.Profile, seen.Grant, seen.Phone = false, nil, nil, ""
	}
	return seen
}

// enrol makes the session of a sighting: the ledger says which person it is, and the
// store keeps the session. Where either cannot be asked the sighting is kept for when
// the client asks again.
func (s Signer) enrol(ctx context.Context, in Attempt, key observedKey, sighting ledger.Observation) (enrolled, error) {
	sighting = s.stillGiven(ctx, sighting)
	seen := sighting
	seen.SignedIn = s.mayTell(ctx, sighting, key.name)
	person, err := s.Ledger.Observe(ctx, seen)
	if err != nil {
		return enrolled{}, s.later(key, sighting, fmt.Errorf("signin: ledger: %w", outage.During(outage.CallWrite, err)))
	}
	s.Log.Worked(outage.Write)
	// Always a new session with a new id (attack: session fixation,
	// GHSA-f24x-5g9q-753f).
	e := enrolled{person: person, session: session.New(in.Binding, person.ID, sighting.OpenID, in.scope(person))}
	if e.value, err = s.KeepNew(ctx, e.session, person, in.Visitor); err != nil {
		return enrolled{}, s.later(key, sighting, fmt.Errorf("signin: save session: %w", err))
	}
	return e, nil
}

// scope is the scope of the new session: what a person has given to an official
// account; what there is to give, at another one.
func (in Attempt) scope(p ledger.Person) string {
	switch {
	case in.Account.Kind.SatisfiesEveryScope():
		return in.Account.Kind.SessionScope()
	case p.Consented(in.Binding.AppID):
		return string(wechat.ScopeUserInfo)
	default:
		return string(wechat.ScopeBase)
	}
}

// mayTell reports whether a sign-in is to be told. Before its openid is known, the
// openid stands for the person. id names the sign-in.
func (s Signer) mayTell(ctx context.Context, seen ledger.Observation, id string) bool {
	who := seen.AppID + " " + seen.OpenID
	if p, err := s.Ledger.FindOpenID(ctx, seen.AppID, seen.OpenID); err == nil {
		who = p.ID
	}
	return s.Teller.May(ledger.SignedIn, who, id)
}

// enrolled is somebody who has a session now.
type enrolled struct {
	person  ledger.Person
	session *session.Session
	value   string
}

// later keeps a sighting if err is an outage, and returns err.
func (s Signer) later(key observedKey, seen ledger.Observation, err error) error {
	if errors.Is(err, ledger.ErrUnavailable) || errors.Is(err, session.ErrUnavailable) {
		s.Once.observed.keep(key, seen)
	}
	return err
}
