package follow_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/follow"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// Each answer counts for its time, and no longer.
func TestAnswersGrowOld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSquare(t)
		s.follows["fan"] = true
		s.wants("fan", true, 1)
		s.wants("stranger", false, 1)
		s.wants("stranger", false, 0)
		time.Sleep(follow.FreshNo)
		s.wants("stranger", false, 1)
		s.wants("fan", true, 0)
		s.set(func() { s.follows["fan"], s.follows["stranger"] = false, true }) // and no push says so
		time.Sleep(follow.FreshYes - follow.FreshNo - time.Second)
		s.wants("fan", true, 0)
		time.Sleep(time.Second)
		s.wants("fan", false, 1)
		s.wants("stranger", true, 1)
	})
}

// A person of another account has no openid to ask about.
func TestWithoutAnOpenID(t *testing.T) {
	t.Parallel()
	s := newSquare(t)
	q := s.question("fan")
	q.Person.Accounts = q.Person.Accounts[:1]
	s.wantsOf(q, false, 0)
	if !s.Left(shopApp, &q.Person) {
		t.Error("a running request of such a person goes on")
	}
}

// A push counts at once, also against an answer that WeChat gave a moment ago,
// and whatever the clock of the gateway that got it says.
func TestPushesCountAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSquare(t)
		s.follows["fan"] = true
		s.wants("fan", true, 1)
		p := s.person("fan")
		if s.Left(shopApp, &p) {
			t.Error("a follower's running requests are cut")
		}
		if _, err := s.Follow(t.Context(), ledger.Following{
			AppID: shopApp, OpenID: "fan", Follow: ledger.FollowsNot, At: time.Now().Add(-30 * time.Second), Pushed: time.Now(),
		}); err != nil {
			t.Fatal(err)
		}
		s.wants("fan", false, 0)
		if p = s.person("fan"); !s.Left(shopApp, &p) {
			t.Error("running requests of a person who unfollowed go on")
		}
		time.Sleep(time.Second)
		s.push("fan", ledger.Follows)
		s.wants("fan", true, 0)
		time.Sleep(time.Second)
		s.push("fan", ledger.FollowUnknown) // of a push that may be forged
		s.wants("fan", true, 1)
	})
}

// An unfollow while WeChat is asked wins against the answer.
func TestPushWhileAsking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSquare(t)
		s.follows["fan"] = true
		s.during = func() { s.push("fan", ledger.FollowsNot) }
		s.wants("fan", false, 1)
		s.wants("fan", false, 0)
	})
}

// While WeChat does not answer, the last answer holds for a day; without one
// there is neither yes nor no.
func TestLastAnswerHoldsForADay(t *testing.T) {
	t.Parallel()
	for _, restart := range []bool{false, true} {
		t.Run(fmt.Sprint("restart ", restart), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSquare(t)
				s.follows["fan"] = true
				s.wants("fan", true, 1)
				s.wants("stranger", false, 1)
				s.set(func() { s.fails = silent })
				if restart {
					s.Memory = new(follow.Memory)
				}
				time.Sleep(time.Hour)
				s.wants("fan", true, 1)
				s.wants("stranger", false, 0) // WeChat is left alone
				if err := s.unknown("newcomer", 0); !errors.Is(err, wechat.ErrUnavailable) {
					t.Error(err)
				}
				time.Sleep(23*time.Hour - time.Second)
				s.wants("fan", true, 1)
				time.Sleep(time.Second)
				s.unknown("fan", 0)
				time.Sleep(10 * time.Second)
				s.unknown("stranger", 1)
				s.set(func() { s.fails = nil })
				time.Sleep(10 * time.Second)
				s.wants("newcomer", false, 1)
				s.wants("fan", true, 1)
				if text := s.log.String(); strings.Count(text, "could not ask WeChat who follows") < 1 || strings.Contains(text, "fan") {
					t.Errorf("the log: %s", text)
				}
			})
		})
	}
}

// Another gateway may have heard an answer that this one has not read.
func TestNewestAnswerOfTheLedgerHolds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSquare(t)
		s.follows["fan"] = true
		s.wants("fan", true, 1)
		old := s.question("fan")
		time.Sleep(20 * time.Hour)
		s.wants("fan", true, 1)
		s.Memory = new(follow.Memory)
		s.set(func() { s.fails = silent })
		time.Sleep(20 * time.Hour)
		s.wantsOf(old, true, 1)
		// A record with a time in the future would hold for ever.
		s.set(func() {
			p := s.persons["fan"].Clone()
			p.Accounts[1].FollowAt = time.Now().Add(time.Hour)
			s.persons["fan"] = p
		})
		time.Sleep(10 * time.Second)
		s.unknown("fan", 1)
	})
}

// A visitor who followed is asked about at once.
func TestAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSquare(t)
		s.wants("fan", false, 1)
		s.set(func() { s.follows["fan"] = true })
		s.wants("fan", false, 0)
		q := s.question("fan")
		q.Again = true
		s.wantsOf(q, true, 1)
		q = s.question("fan")
		q.Again = true
		s.wantsOf(q, true, 0)
		s.wants("fan", true, 0)
	})
}

// Attack: a visitor taps the button of the page without end.
func TestAttackAgainWithoutEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSquare(t)
		for range 60 {
			for range 100 {
				q := s.question("stranger")
				q.Again = true
				if got, err := s.Follows(t.Context(), q); got || err != nil {
					t.Fatalf("%t, %v", got, err)
				}
			}
			time.Sleep(time.Second)
		}
		if s.asked > 3+60/20+1 {
			t.Errorf("%d calls of WeChat in a minute", s.asked)
		}
	})
}

// A hundred requests of one person at the same time are one question.
func TestOneQuestionAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSquare(t)
		s.follows["fan"], s.slow = true, time.Second
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if got, err := s.Follows(t.Context(), s.question("fan")); !got || err != nil {
					t.Errorf("%t, %v", got, err)
				}
			})
		}
		all.Wait()
		if s.asked != 1 || s.writes != 1 {
			t.Errorf("%d calls of WeChat, %d writes", s.asked, s.writes)
		}
	})
}

// An answer counts although the ledger cannot store it, and one about a person
// who was erased meanwhile does not.
func TestLedgerFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSquare(t)
		s.follows["fan"], s.follows["erased"] = true, true
		s.broken = ledger.ErrUnavailable
		s.wants("fan", true, 1)
		s.wants("fan", true, 0)
		if !strings.Contains(s.log.String(), "could not store who follows") {
			t.Errorf("the log: %s", s.log)
		}
		s.set(func() { s.broken = nil })
		q := s.question("erased")
		delete(s.persons, "erased")
		s.wantsOf(q, false, 1)
	})
}

// An answer that came with a sign-in is used, but not for long: a push before
// the person was recorded left no trace.
func TestHeardAtSignIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSquare(t)
		s.Heard(shopApp, "fan", true, time.Now())
		s.Heard(shopApp, "stranger", false, time.Now())
		s.wants("fan", true, 0)
		s.wants("stranger", false, 0)
		time.Sleep(30 * time.Second)
		s.wants("fan", false, 1)
		// It does not stand against what the ledger knows.
		s.Heard(shopApp, "fan", true, time.Now())
		s.wants("fan", false, 0)
	})
}
