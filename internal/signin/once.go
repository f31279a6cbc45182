package signin

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/caddy-wechat/gateway/internal/counters"
	"github.com/caddy-wechat/gateway/session"
)

// Outcome is the result of a dance.
type Outcome struct {
	Session  *session.Session // the new session; nil for a snapshot that may not enter
	Value    string           // the session's cookie value
	Snapshot bool             // WeChat answered for a virtual visitor
	nonce    NonceHash        // of the hit that spent the code; only its repetitions get the outcome again
	until    time.Time        // until when repetitions are answered
}

const (
	// resultTTL is how long a finished dance answers its duplicates: WeChat
	// sends some callbacks twice, and visitors reload.
	resultTTL = 2 * time.Minute
	// snapshotTTL is the same for a virtual visitor, for duplicate hits only. A
	// later reload finds the code spent and starts again, since the person may
	// have left the snapshot meanwhile.
	snapshotTTL = 5 * time.Second
	// maxResults bounds the remembered outcomes. Only dances that WeChat
	// confirmed are remembered, so anonymous floods cannot fill it (attack:
	// go-authcrunch 9c877b3).
	maxResults = 65536
)

// Once makes the callback idempotent: of the hits that one dance receives, one
// signs in with its code, and all get the same answer. The zero value is ready.
type Once struct {
	// Shared does the same across instances. Nil for one instance.
	Shared Shared
	// Keys seal the shared results, which contain cookie values.
	Keys *session.Ring
	// Refusals counts what got no turn. Nil: it is not counted.
	Refusals *counters.Counter

	group    singleflight.Group
	mu       sync.Mutex
	done     map[resultKey]Outcome
	sweeping bool // see sweepLater

	spent      spentCodes
	admissions admissions
	refused    refusedCodes
}

// resultKey is a flow id, and for snapshots the code too: leaving snapshot mode
// brings the same flow back with a real code.
type resultKey struct {
	flow string
	code [sha256.Size]byte
}

// Do runs signIn once for a hit, however many equal hits wait for it, and
// remembers success. It remembers no failures except refused codes, since
// WeChat may work again at a reload. signIn outlives the request that started
// it, since otherwise the code is lost.
func (s *Once) Do(ctx context.Context, h Hit, signIn func(context.Context) (Outcome, error)) (Outcome, error) {
	for {
		o, err := s.answer(ctx, h, signIn)
		switch {
		case errors.Is(err, ErrClientGone) && ctx.Err() == nil:
			// The hit that ran for all was cancelled: try again with this one.
		case err != nil:
			return Outcome{}, err
		case !h.sameNonce(o.nonce):
			return Outcome{}, errOtherNonce
		default:
			return o, nil
		}
	}
}

// answer returns the existing outcome, for any nonce, or makes one.
func (s *Once) answer(ctx context.Context, h Hit, signIn func(context.Context) (Outcome, error)) (Outcome, error) {
	keys := h.keys()
	if o, ok := s.find(keys); ok {
		return o, nil
	}
	if err := s.refused.find(keys[1]); err != nil {
		return Outcome{}, err
	}
	waiting := s.group.DoChan(h.ID, func() (any, error) {
		if o, ok := s.find(keys); ok {
			return o, nil
		}
		release, err := s.admissions.at(h.Queue).enter(ctx, h.Network)
		if err != nil {
			if errors.Is(err, ErrTooBusy) {
				s.Refusals.Inc()
			}
			return Outcome{}, err
		}
		defer release()
		o, err := s.runOnce(context.WithoutCancel(ctx), h, signIn)
		if err != nil {
			s.refused.note(keys[1], err)
			return Outcome{}, err
		}
		if o.Snapshot {
			s.keep(keys[1], o)
		} else {
			s.keep(keys[0], o)
		}
		return o, nil
	})
	select {
	case r := <-waiting:
		if r.Err != nil {
			return Outcome{}, r.Err
		}
		return r.Val.(Outcome), nil
	case <-ctx.Done():
		return Outcome{}, context.Cause(ctx)
	}
}

// Known returns the outcome of a hit's sign-in. It returns the zero Outcome if
// there is none, or if the hit may not get it.
func (s *Once) Known(ctx context.Context, h Hit) (Outcome, error) {
	o, ok := s.find(h.keys())
	if !ok && s.Shared != nil {
		told, err := s.fetch(ctx, h.keys()[0])
		if err != nil {
			return Outcome{}, err
		}
		if ok = told != nil; ok {
			o = *told
		}
	}
	if !ok || !h.sameNonce(o.nonce) {
		return Outcome{}, nil
	}
	return o, nil
}

// Ran reports whether this process remembers an outcome of a flow.
func (s *Once) Ran(flowID string) bool {
	_, ok := s.find([]resultKey{{flow: flowID}})
	return ok
}

// Load returns how many sign-ins run at this moment, and how many wait for
// their turn.
func (s *Once) Load() (running, waiting int) { return s.admissions.load() }

// Drop forgets the outcome of a flow whose session has ended.
func (s *Once) Drop(flowID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.done, resultKey{flow: flowID})
}

func (s *Once) find(keys []resultKey) (Outcome, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, key := range keys {
		if o, ok := s.done[key]; ok && now.Before(o.until) {
			return o, true
		}
	}
	return Outcome{}, false
}

func (s *Once) keep(key resultKey, o Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.done == nil {
		s.done = make(map[resultKey]Outcome)
	}
	if len(s.done) >= maxResults {
		for k, o := range s.done {
			if !now.Before(o.until) || len(s.done) > maxResults/8*7 {
				delete(s.done, k)
			}
		}
	}
	s.done[key] = o
	s.sweepLater()
}
