package gate

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// Shared is where the instances of a fleet tell each other how a dance ended:
// WeChat's two hits may reach two of them. Values are sealed by the caller.
type Shared interface {
	// Claim makes the caller the one who spends, for at most ttl. It returns
	// false when another one is at it.
	Claim(ctx context.Context, key string, ttl time.Duration) (bool, error)
	// Release gives the claim up, after a failure.
	Release(ctx context.Context, key string) error
	// Put keeps a result for ttl.
	Put(ctx context.Context, key, value string, ttl time.Duration) error
	// Get returns a result, "" when there is none.
	Get(ctx context.Context, key string) (string, error)
}

// pollShared is how often an instance looks whether its peer is done.
const pollShared = 100 * time.Millisecond

// sharedOutcome is an outcome on its way to a peer.
type sharedOutcome struct {
	Value    string `json:"v,omitempty"`
	Session  []byte `json:"w,omitempty"`
	Snapshot bool   `json:"s,omitempty"`
}

// purposeResult has keys of its own: a result holds a session's cookie value.
const purposeResult = "result"

// spendOnce spends unless a peer has or is about to. The claim comes first: a
// store that cannot be asked is found out before the code is spent.
func (s *Results) spendOnce(ctx context.Context, keys []resultKey, spend func(context.Context) (outcome, error)) (outcome, error) {
	if s.Shared == nil {
		return spend(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, spendTimeout+storeTimeout)
	defer cancel()
	flow := keys[0].flow
	for {
		for _, key := range keys {
			o, err := s.fetch(ctx, key)
			if err != nil {
				return outcome{}, err
			}
			if o != nil {
				return *o, nil
			}
		}
		won, err := s.Shared.Claim(ctx, flow, spendTimeout+storeTimeout)
		if err != nil {
			return outcome{}, unshared("claim", err)
		}
		if won {
			break
		}
		select {
		case <-time.After(pollShared):
		case <-ctx.Done():
			return outcome{}, unshared("wait", ctx.Err())
		}
	}
	o, err := spend(ctx)
	if err == nil {
		s.tell(ctx, keys, o)
	}
	if err != nil || o.snapshot {
		// Free for the next try. If even that fails, the claim ends by itself.
		_ = s.Shared.Release(context.WithoutCancel(ctx), flow)
	}
	return o, err
}

// tell leaves an outcome for the peers. Should it fail, the visitor who is here
// still arrives; a second hit elsewhere waits in vain and is asked to try again.
func (s *Results) tell(ctx context.Context, keys []resultKey, o outcome) {
	key, ttl, told := keys[0], resultTTL, sharedOutcome{Value: o.value, Snapshot: o.snapshot}
	if o.snapshot {
		key, ttl = keys[1], snapshotTTL
	}
	var err error
	if o.session != nil {
		if told.Session, err = o.session.MarshalBinary(); err != nil {
			return
		}
	}
	plain, err := json.Marshal(told)
	if err != nil {
		return
	}
	sealed, err := s.Keys.Seal(purposeResult, key.name(), plain)
	if err != nil {
		return
	}
	_ = s.Shared.Put(ctx, key.name(), sealed, ttl)
}

// fetch returns what a peer has told, nil if nothing.
func (s *Results) fetch(ctx context.Context, key resultKey) (*outcome, error) {
	sealed, err := s.Shared.Get(ctx, key.name())
	if err != nil {
		return nil, unshared("read", err)
	}
	if sealed == "" {
		return nil, nil
	}
	plain, err := s.Keys.Open(purposeResult, key.name(), sealed)
	if err != nil {
		plain = nil // sealed by a key that is gone: as if nothing was told
	}
	return readTold(plain), nil
}

// readTold reads what tell wrote, nil if it is something else.
func readTold(plain []byte) *outcome {
	var told sharedOutcome
	if json.Unmarshal(plain, &told) != nil {
		return nil
	}
	o := &outcome{value: told.Value, snapshot: told.Snapshot}
	if len(told.Session) == 0 {
		return o
	}
	o.session = new(session.Session)
	if o.session.UnmarshalBinary(told.Session) != nil {
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

// unshared makes every error of the shared store "unavailable": nothing is
// known about the visitor, and no code was spent.
func unshared(doing string, err error) error {
	return fmt.Errorf("gate: %s the shared result: %w", doing, errors.Join(session.ErrUnavailable, err))
}
