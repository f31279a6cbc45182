package gate

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/caddy-wechat/gateway/session"
)

// outcome is how a dance ended.
type outcome struct {
	session  *session.Session // the new session; nil for a snapshot that may not enter
	value    string           // the session's cookie value
	snapshot bool             // WeChat answered for a virtual visitor
}

const (
	// resultTTL is how long a finished dance answers its duplicates: WeChat
	// sends some callbacks twice, and visitors reload.
	resultTTL = 2 * time.Minute
	// snapshotTTL is the same for a virtual visitor: only for duplicate hits. A
	// reload afterwards finds the code spent and begins anew, since the person
	// may have left the snapshot meanwhile.
	snapshotTTL = 5 * time.Second
	// maxResults bounds what is remembered. Only dances that WeChat confirmed
	// are, so anonymous floods cannot fill it (attack: go-authcrunch 9c877b3).
	maxResults = 65536
)

// Results makes the callback idempotent: of the hits that one dance receives,
// one spends its code, and all get the same answer. The zero value is ready.
type Results struct {
	// Shared makes that true across instances. Nil for one instance.
	Shared Shared
	// Keys seal what is shared: it holds cookie values.
	Keys *session.Ring

	group singleflight.Group
	mu    sync.Mutex
	done  map[resultKey]result

	sighted   sighted
	admission admission
	events    eventLimits
	tickets   keyedLimiter // of persons, see issueTicket
}

// resultKey is a flow id, and for snapshots the code too: leaving snapshot mode
// brings the same flow back with a real code.
type resultKey struct {
	flow string
	code [sha256.Size]byte
}

type result struct {
	outcome
	until time.Time
}

// Do runs spend once for a flow, however many hits wait for it, and remembers
// success. Failures are not remembered: a reload may find WeChat well again.
// spend outlives the request that started it, since the code is lost otherwise.
func (s *Results) Do(ctx context.Context, flowID, code string, spend func(context.Context) (outcome, error)) (outcome, error) {
	keys := []resultKey{{flow: flowID}, {flow: flowID, code: sha256.Sum256([]byte(code))}}
	if o, ok := s.find(keys); ok {
		return o, nil
	}
	waiting := s.group.DoChan(flowID, func() (any, error) {
		if o, ok := s.find(keys); ok {
			return o, nil
		}
		leave, err := s.admission.enter(ctx)
		if err != nil {
			return outcome{}, err
		}
		defer leave()
		o, err := s.spendOnce(context.WithoutCancel(ctx), keys, spend)
		if err != nil {
			return outcome{}, err
		}
		if o.snapshot {
			s.keep(keys[1], o)
		} else {
			s.keep(keys[0], o)
		}
		return o, nil
	})
	select {
	case r := <-waiting:
		if r.Err != nil {
			return outcome{}, r.Err
		}
		return r.Val.(outcome), nil
	case <-ctx.Done():
		return outcome{}, context.Cause(ctx)
	}
}

// drop forgets how a flow ended: its session is over.
func (s *Results) drop(flowID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.done, resultKey{flow: flowID})
}

func (s *Results) find(keys []resultKey) (outcome, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, key := range keys {
		if r, ok := s.done[key]; ok && now.Before(r.until) {
			return r.outcome, true
		}
	}
	return outcome{}, false
}

func (s *Results) keep(key resultKey, o outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.done == nil {
		s.done = make(map[resultKey]result)
	}
	if len(s.done) >= maxResults {
		for k, r := range s.done {
			if !now.Before(r.until) || len(s.done) > maxResults/8*7 {
				delete(s.done, k)
			}
		}
	}
	ttl := resultTTL
	if o.snapshot {
		ttl = snapshotTTL
	}
	s.done[key] = result{o, now.Add(ttl)}
	s.prune(now)
}

// prune drops what is over, a few at a time, so that a quiet gateway forgets
// too.
func (s *Results) prune(now time.Time) {
	looked := 0
	for k, r := range s.done {
		if !now.Before(r.until) {
			delete(s.done, k)
		}
		if looked++; looked >= 16 {
			return
		}
	}
}
