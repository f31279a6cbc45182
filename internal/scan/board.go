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

// answerRate is for the codes that one person answers. Not one session: each
// browser that was signed in can confirm others.
var answerRate = limit.Rate{Burst: 5, Every: 12 * time.Second}

// Board keeps what phones answered, for as long as their codes are good. Only the
// signed-in can make it keep something (attack: anonymous floods). The zero value is
// ready.
type Board struct {
	// Shared makes an answer that reached one instance known to all, and taken on
	// one, taken on all. Nil for one instance.
	Shared signin.Shared

	memory  memory
	once    sync.Once
	limited *Limits     // made once, see Board.Limits
	Streams Streams     // of the browsers that wait
	answers limit.Keyed // of persons
}

// Answer is what a phone said.
type Answer struct {
	Denied bool   `json:"d,omitempty"`
	By     []byte `json:"i"`           // the id of the phone's session
	AppID  string `json:"a,omitempty"` // of the phone's session
	Value  string `json:"v,omitempty"` // of the phone's session: the browser's is made from it while it lives
	Until  int64  `json:"u"`           // Unix milliseconds; whoever writes the store can put it back, but not move this
}

// over reports an answer whose time is over, or that says none (attack: who can write
// the Redis keeps an answer, and puts it back when its code is forgotten).
func (a Answer) over() bool {
	left := time.Until(time.UnixMilli(a.Until))
	return left <= 0 || left > cookies.ScanLife+cookies.ScanGrace+session.MaxSkew
}

// Limits are what bounds the browsers that show a code and wait.
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

// Answer keeps an answer for ttl, if it is the first one to the question.
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
		// Free for another try. If even that fails, the code is lost: it lives for minutes.
		s.shared().Release(context.WithoutCancel(ctx), key)
		return false, unavailable("keep", err)
	}
	return true, nil
}

// Read returns the answer to a question, if there is one.
func (s *Board) Read(ctx context.Context, keys *session.Ring, key string) (a Answer, ok bool, err error) {
	sealed, err := s.shared().Get(ctx, key)
	if err != nil || sealed == "" {
		return Answer{}, false, unavailable("read", err)
	}
	plain, err := keys.Open(purposeAnswer, key, sealed)
	if err != nil || json.Unmarshal(plain, &a) != nil || a.over() {
		return Answer{}, false, nil //nolint:nilerr // sealed by a key that is gone, or its time is over: as if there was none
	}
	return a, true, nil
}

// Take makes an answer used: true for the first one who takes it.
func (s *Board) Take(ctx context.Context, key string) (bool, error) {
	// Longer than any answer is kept.
	won, err := s.shared().Claim(ctx, key+"-taken", 2*cookies.ScanLife)
	return won, unavailable("take", err)
}

// GiveBack undoes Take, for another try.
func (s *Board) GiveBack(ctx context.Context, key string) {
	s.shared().Release(context.WithoutCancel(ctx), key+"-taken") // it ends by itself
}

// unavailable makes every error of the board "unavailable".
func unavailable(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("scan: %s the answer of a phone: %w", doing, errors.Join(session.ErrUnavailable, err))
}
