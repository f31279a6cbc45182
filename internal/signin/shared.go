package signin

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/session"
)

// Shared shares the outcomes of dances between the instances of a fleet:
// WeChat's two hits may reach two of them. The caller seals the values.
type Shared interface {
	// Claim reserves the key for the caller for at most ttl. It returns false
	// if another instance holds it.
	Claim(ctx context.Context, key string, ttl time.Duration) (bool, error)
	// Release gives the claim up, after a failure. If Release fails, the claim
	// expires by itself.
	Release(ctx context.Context, key string)
	// Put stores a result for ttl.
	Put(ctx context.Context, key, value string, ttl time.Duration) error
	// Get returns a result, "" when there is none.
	Get(ctx context.Context, key string) (string, error)
}

const (
	// pollShared is how often an instance checks for its peer's result.
	pollShared = 100 * time.Millisecond
	// claimTTL is how long the instance that spends the code may take.
	claimTTL = SignInTimeout + outage.StoreTimeout
)

// sharedOutcome is an outcome as peers exchange it.
type sharedOutcome struct {
	Value    string `json:"v,omitempty"`
	Session  []byte `json:"w,omitempty"`
	Snapshot bool   `json:"s,omitempty"`
	Nonce    []byte `json:"o,omitempty"` // absent for the zero NonceHash
	Until    int64  `json:"u,omitempty"` // Unix milliseconds; absent from older gateways
}

// purposeResult has its own keys: a result contains a session's cookie value.
const purposeResult = "result"

// runOnce runs signIn unless a peer has done so or is doing so. The claim comes
// first, so that an unavailable store is found before the code is spent.
func (s *Once) runOnce(ctx context.Context, h Hit, signIn func(context.Context) (Outcome, error)) (Outcome, error) {
	if s.Shared == nil {
		return h.run(ctx, signIn)
	}
	ctx, cancel := context.WithTimeout(ctx, claimTTL)
	defer cancel()
	for {
		for _, key := range h.keys() {
			o, err := s.fetch(ctx, key)
			if err != nil {
				return Outcome{}, err
			}
			if o != nil {
				return *o, nil
			}
		}
		won, err := s.Shared.Claim(ctx, h.ID, claimTTL)
		if err != nil {
			return Outcome{}, sharedError("claim", err)
		}
		if won {
			break
		}
		select {
		case <-time.After(pollShared):
		case <-ctx.Done():
			return Outcome{}, sharedError("wait", ctx.Err())
		}
	}
	o, err := h.run(ctx, signIn)
	if err == nil {
		s.publish(ctx, h.keys(), o)
	}
	if err != nil || h.ttl(o.Snapshot) < claimTTL {
		// Release the claim for the next try: a hit after the result has
		// expired must not wait for it.
		s.Shared.Release(context.WithoutCancel(ctx), h.ID)
	}
	return o, err
}

// run runs signIn for a hit and sets when and for whom the outcome counts.
func (h Hit) run(ctx context.Context, signIn func(context.Context) (Outcome, error)) (Outcome, error) {
	o, err := signIn(ctx)
	o.nonce, o.until = h.NonceHash, time.Now().Add(h.ttl(o.Snapshot))
	return o, err
}

// publish stores an outcome for the peers. If that fails, this visitor is still
// signed in; a second hit elsewhere waits in vain and is asked to try again.
func (s *Once) publish(ctx context.Context, keys []resultKey, o Outcome) {
	key, shared := keys[0], sharedOutcome{Value: o.Value, Snapshot: o.Snapshot, Until: o.until.UnixMilli()}
	if o.Snapshot {
		key = keys[1]
	}
	if o.nonce != (NonceHash{}) {
		shared.Nonce = o.nonce[:]
	}
	var err error
	if o.Session != nil {
		if shared.Session, err = o.Session.MarshalBinary(); err != nil {
			return
		}
	}
	plain, err := json.Marshal(shared)
	if err != nil {
		return
	}
	sealed, err := s.Keys.Seal(purposeResult, key.name(), plain)
	if err != nil {
		return
	}
	_ = s.Shared.Put(ctx, key.name(), sealed, time.Until(o.until))
}

// fetch returns a peer's outcome, nil if there is none.
func (s *Once) fetch(ctx context.Context, key resultKey) (*Outcome, error) {
	sealed, err := s.Shared.Get(ctx, key.name())
	if err != nil {
		return nil, sharedError("read", err)
	}
	if sealed == "" {
		return nil, nil
	}
	plain, err := s.Keys.Open(purposeResult, key.name(), sealed)
	if err != nil {
		plain = nil // sealed by a withdrawn key: treat it as no outcome
	}
	return readShared(plain), nil
}

// readShared reads what publish wrote. It returns nil for anything else.
func readShared(plain []byte) *Outcome {
	var shared sharedOutcome
	if json.Unmarshal(plain, &shared) != nil || shared.Nonce != nil && len(shared.Nonce) != len(NonceHash{}) {
		return nil
	}
	o := &Outcome{Value: shared.Value, Snapshot: shared.Snapshot, until: time.Now().Add(resultTTL)}
	copy(o.nonce[:], shared.Nonce)
	// It is kept here no longer than the peer would, whatever the peer's clock
	// says, and ignored when it expired long ago (attack: a writer to Redis
	// puts an old outcome back).
	if until := time.UnixMilli(shared.Until); shared.Until != 0 && until.Before(o.until) {
		if o.until = until; time.Since(until) > session.MaxSkew {
			return nil
		}
	}
	if len(shared.Session) == 0 {
		return o
	}
	o.Session = new(session.Session)
	if o.Session.UnmarshalBinary(shared.Session) != nil {
		return nil
	}
	return o
}

func (k resultKey) name() string {
	if k.code == [len(k.code)]byte{} {
		return k.flow
	}
	return k.flow + ":" + hex.EncodeToString(k.code[:16])
}

// sharedError turns every error of the shared store into "unavailable": the
// visitor is unknown, and no code was spent.
func sharedError(doing string, err error) error {
	return fmt.Errorf("signin: %s the shared result: %w", doing, outage.During(outage.CallSave, errors.Join(session.ErrUnavailable, err)))
}
