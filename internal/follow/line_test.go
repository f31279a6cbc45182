package follow_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/follow"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// After a failure WeChat is left alone; then one question tries.
func TestPauses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err   error
		pause time.Duration
		is    error
		fix   bool
	}{
		"no answer":       {silent, 5 * time.Second, wechat.ErrUnavailable, false},
		"busy":            {refusal(-1), 5 * time.Second, wechat.ErrRetry, true},
		"too many calls":  {refusal(45011), time.Minute, wechat.ErrThrottled, true},
		"the day's quota": {refusal(45009), 10 * time.Minute, wechat.ErrStop, true},
		"not verified":    {refusal(48001), time.Minute, wechat.ErrAlert, true},
		"IP allowlist":    {refusal(40164), time.Minute, wechat.ErrAlert, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSquare(t)
				s.fails = c.err
				if err := s.unknown("a", 1); !errors.Is(err, c.is) {
					t.Error(err)
				}
				s.unknown("b", 0)
				time.Sleep(c.pause - time.Millisecond)
				s.unknown("c", 0)
				time.Sleep(time.Millisecond)
				var all sync.WaitGroup
				s.slow = time.Second
				for i := range 50 {
					all.Go(func() { _, _ = s.Follows(t.Context(), s.question(fmt.Sprint("d", i))) })
				}
				all.Wait()
				if s.asked != 2 {
					t.Errorf("%d calls of WeChat, want one by one", s.asked)
				}
				s.set(func() { s.fails = nil })
				time.Sleep(c.pause)
				s.wants("e", false, 1)
				if text := s.log.String(); strings.Contains(text, "fix=") != c.fix {
					t.Errorf("the log: %s", text)
				}
			})
		})
	}
}

// WeChat's refusal of one openid concerns that person only, and is not asked
// for again and again.
func TestRefusedOpenID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSquare(t)
		s.fails = refusal(50002)
		s.unknown("moved", 1)
		s.unknown("moved", 0)
		s.set(func() { s.fails = nil })
		s.wants("other", false, 1)
		time.Sleep(time.Minute)
		s.wants("moved", false, 1)
	})
}

// Attack: a crowd of persons from one network, new ones all the time, uses up
// the account's quota, or keeps persons of other networks out.
func TestAttackFloodOfPersons(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSquare(t)
		s.follows["visitor"] = true
		refused := 0
		for second := range 30 {
			for i := range 1000 {
				if _, err := s.Follows(t.Context(), s.question(fmt.Sprint("flood", second, "-", i))); errors.Is(err, follow.ErrBusy) {
					refused++
				} else if err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Second)
		}
		if s.asked > 30*10 || refused < 29_000 {
			t.Errorf("%d calls of WeChat in 30 s, %d refused", s.asked, refused)
		}
		for i := range 100 {
			_, _ = s.Follows(t.Context(), s.question(fmt.Sprint("late", i)))
		}
		q := s.question("visitor")
		q.Network = netip.MustParsePrefix("198.51.100.0/24")
		s.wantsOf(q, true, 1)
		if strings.Contains(s.log.String(), "flood") || strings.Count(s.log.String(), "\n") > 30 {
			t.Errorf("the log has %d lines", strings.Count(s.log.String(), "\n"))
		}
	})
}

// Attack: questions hang, and hold every place.
func TestAttackHangingQuestions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSquare(t)
		s.slow = time.Hour
		begun := time.Now()
		var all sync.WaitGroup
		for i := range 1000 {
			all.Go(func() {
				q := s.question(fmt.Sprint("p", i))
				q.Network = netip.MustParsePrefix(fmt.Sprintf("10.%d.%d.0/24", i/250, i%250))
				_, _ = s.Follows(t.Context(), q)
			})
		}
		all.Wait()
		if took := time.Since(begun); took > 4*time.Second || s.asked > 64 {
			t.Errorf("%s, %d questions at once", took, s.asked)
		}
	})
}

// Attack: the memory grows with each person.
func TestAttackMemoryIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSquare(t)
		for i := range 70_000 {
			s.Heard(shopApp, fmt.Sprint("p", i), true, time.Now())
		}
		kept := 0
		for i := range 70_000 {
			if p := (ledger.Person{ID: "x", Accounts: []ledger.Account{{AppID: shopApp, OpenID: fmt.Sprint("p", i)}}}); true {
				if got, err := s.Follows(t.Context(), follow.Question{Account: shop, Person: p, Log: s.logging}); got && err == nil {
					kept++
				}
			}
		}
		if kept > 65536 || kept < 50_000 {
			t.Errorf("%d answers are kept", kept)
		}
	})
}
