package scan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/session"
)

const purposeAnswer = "scan-answer"

// answerRate limits the codes that one person answers. The limit is not per
// session, because each browser that was signed in can confirm others.
var answerRate = limit.Rate{Burst: 5, Every: 12 * time.Second}

// Board stores the answers of phones while their codes are valid. Only
// signed-in visitors can make it store something (attack: anonymous floods).
// The zero value is ready.
type Board struct {
	// Shared makes all instances see an answer, and that it was taken. Nil for
	// one instance.
	Shared signin.Shared

	memory  memory
	once    sync.Once
	limited *Limits     // created once, see Board.Limits
	Streams Streams     // the streams of waiting browsers
	answers limit.Keyed // answers by person
}

// Answer is a phone's answer to a code.
type Answer struct {
	Denied bool   `json:"d,omitempty"`
	By     []byte `json:"i"`           // the id of the phone's session
	AppID  string `json:"a,omitempty"` // of the phone's session
	Value  string `json:"v,omitempty"` // of the phone's session; the browser's session is made from it while it is valid
	Until  int64  `json:"u"`           // Unix milliseconds; a writer to the store can put an answer back, but not change this
}

// over reports whether an answer has expired or has no valid time (attack: a
// writer to Redis keeps an answer and puts it back when its code is forgotten).
func (a Answer) over() bool {
	left := time.Until(time.UnixMilli(a.Until))
	return left <= 0 || left > cookies.ScanLife+cookies.ScanGrace+session.MaxSkew
}

// Limits returns the limits of browsers that show a code and wait.
func (s *Board) Limits() *Limits {
	s.once.Do(func() { s.limited = newLimits() })
	return s.limited
}

func (s *Board) shared() signin.Shared {
	if s.Shared != nil {
		return s.Shared
	}
	return &s.memory
}

// MayAnswer reports whether a person may answer another code.
func (s *Board) MayAnswer(person string) bool {
	ok, _ := s.answers.Take(person, "", answerRate)
	return ok
}

// Answer stores an answer for ttl if it is the first one to its code.
func (s *Board) Answer(ctx context.Context, keys *session.Ring, key string, a Answer, ttl time.Duration) (first bool, err error) {
	a.Until = time.Now().Add(ttl).UnixMilli()
	plain, err := json.Marshal(a)
	if err != nil {
		return false, fmt.Errorf("scan: encode answer: %w", err)
	}
	sealed, err := keys.Seal(purposeAnswer, key, plain)
	if err != nil {
		return false, fmt.Errorf("scan: seal answer: %w", err)
	}
	first, err = s.shared().Claim(ctx, key, ttl)
	if err != nil || !first {
		return false, unavailable("claim", err)
	}
	if err := s.shared().Put(ctx, key, sealed, ttl); err != nil {
		// Release it for another try. If that fails, too, the code is lost, but
		// it lives only minutes.
		s.shared().Release(context.WithoutCancel(ctx), key)
		return false, unavailable("keep", err)
	}
	return true, nil
}

// Read returns the answer to a code, if there is one.
func (s *Board) Read(ctx context.Context, keys *session.Ring, key string) (a Answer, ok bool, err error) {
	sealed, err := s.shared().Get(ctx, key)
	if err != nil || sealed == "" {
		return Answer{}, false, unavailable("read", err)
	}
	plain, err := keys.Open(purposeAnswer, key, sealed)
	if err != nil || json.Unmarshal(plain, &a) != nil || a.over() {
		return Answer{}, false, nil //nolint:nilerr // sealed by a withdrawn key, or expired: treat it as no answer
	}
	return a, true, nil
}

// Take marks an answer as used. It returns true for the first caller only.
func (s *Board) Take(ctx context.Context, key string) (bool, error) {
	// The mark outlives every answer.
	won, err := s.shared().Claim(ctx, key+"-taken", 2*cookies.ScanLife)
	return won, unavailable("take", err)
}

// GiveBack undoes Take, for another try.
func (s *Board) GiveBack(ctx context.Context, key string) {
	s.shared().Release(context.WithoutCancel(ctx), key+"-taken") // otherwise the mark expires by itself
}

// unavailable turns every error of the board into session.ErrUnavailable.
func unavailable(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("scan: %s the answer of a phone: %w", doing, errors.Join(session.ErrUnavailable, err))
}
