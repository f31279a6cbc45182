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

// spendCode spends a code, or returns the observation remembered from an
// earlier hit of the same dance. It first checks that the ledger can be
// written.
func (s Signer) spendCode(ctx context.Context, key spentKey, see func() (ledger.Observation, error)) (ledger.Observation, error) {
	if err := s.Ledger.Ready(ctx); err != nil {
		return ledger.Observation{}, fmt.Errorf("signin: before a code is spent: %w", outage.During(outage.CallWrite, err))
	}
	if known, ok, err := s.Once.spent.take(key); ok || err != nil {
		return known, err
	}
	asked := time.Now()
	seen, err := see()
	seen.At = asked // the answer was true at that time
	return seen, err
}

// dropWithdrawn drops consent data that was withdrawn during the WeChat call:
// it must not come back by the answer. The visitor is still signed in, and is
// asked again. A withdrawal in the second of the call's start counts as before
// it.
func (s Signer) dropWithdrawn(ctx context.Context, seen ledger.Observation) ledger.Observation {
	if s.PersonEnded == nil || !seen.Consent && seen.Profile == nil {
		return seen
	}
	p, err := s.Ledger.FindOpenID(ctx, seen.AppID, seen.OpenID)
	if err == nil && s.PersonEnded(p.ID).After(seen.At) {
		seen.Consent, seen.Profile, seen.Grant, seen.Phone = false, nil, nil, ""
	}
	return seen
}

// createSession makes the session of an observation: the ledger finds the
// person, and the store saves the session. If either is unavailable, it keeps
// the observation for the client's next try.
func (s Signer) createSession(ctx context.Context, in Attempt, key spentKey, observation ledger.Observation) (createdSession, error) {
	observation = s.dropWithdrawn(ctx, observation)
	if err := s.mayEnter(ctx, in, observation); err != nil {
		return createdSession{}, s.keepForRetry(key, observation, err)
	}
	seen := observation
	seen.SignedIn = s.eventAllowed(ctx, observation, key.name)
	person, err := s.Ledger.Observe(ctx, seen)
	if err != nil {
		return createdSession{}, s.keepForRetry(key, observation, fmt.Errorf("signin: ledger: %w", outage.During(outage.CallWrite, err)))
	}
	s.Log.Worked(outage.Write)
	// Always a new session with a new id (attack: session fixation,
	// GHSA-f24x-5g9q-753f).
	e := createdSession{person: person, session: session.New(in.Binding, person.ID, observation.OpenID, in.scope(person))}
	if e.value, err = s.SaveNew(ctx, e.session, person, in.Visitor); err != nil {
		return createdSession{}, s.keepForRetry(key, observation, fmt.Errorf("signin: save session: %w", err))
	}
	return e, nil
}

// scope returns the scope of the new session: what the person has given to an
// official account, or all there is for another kind.
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

// eventAllowed reports whether a sign-in is within the limit for events. For an
// unknown openid the limit is per openid instead of per person. id names the
// sign-in.
func (s Signer) eventAllowed(ctx context.Context, seen ledger.Observation, id string) bool {
	who := seen.AppID + " " + seen.OpenID
	if p, err := s.Ledger.FindOpenID(ctx, seen.AppID, seen.OpenID); err == nil {
		who = p.ID
	}
	return s.Teller.Allow(ledger.SignedIn, who, id)
}

// createdSession is a person with the new session.
type createdSession struct {
	person  ledger.Person
	session *session.Session
	value   string
}

// keepForRetry keeps an observation for the next try if err is an outage, and
// returns err.
func (s Signer) keepForRetry(key spentKey, seen ledger.Observation, err error) error {
	if errors.Is(err, ledger.ErrUnavailable) || errors.Is(err, session.ErrUnavailable) {
		s.Once.keepSpent(key, seen)
	}
	return err
}
