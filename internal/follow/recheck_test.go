package follow_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/follow"
)

// Attack: there is no message push, and a visitor who unfollowed keeps a socket
// open, whose checks ask WeChat nothing.
func TestAttackSocketOfWhoUnfollowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSquare(t)
		s.follows["fan"] = true
		s.wants("fan", true, 1)
		s.follows["fan"] = false
		left := func() bool {
			p := s.person("fan")
			return s.Left(shopApp, &p)
		}
		begun := time.Now()
		for !left() && time.Since(begun) < time.Hour {
			s.Recheck(s.question("fan"))
			synctest.Wait()
			time.Sleep(time.Second)
		}
		if took := time.Since(begun); took > follow.FreshYes+2*time.Second {
			t.Errorf("noticed after %v", took)
		}
		if s.asked != 2 {
			t.Errorf("%d calls of WeChat, want 2", s.asked)
		}
	})
}

// The checks of a crowd of sockets leave WeChat to those who wait for a page,
// and while WeChat fails, the last answer holds.
func TestRechecksAreFew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSquare(t)
		s.slow = 100 * time.Millisecond
		for second := range 10 {
			for i := range 1000 {
				s.Recheck(s.question(fmt.Sprint("fan", second, i)))
				time.Sleep(time.Millisecond)
			}
			synctest.Wait()
		}
		if s.asked < 40 || s.asked > 51 {
			t.Errorf("%d calls of WeChat in ten seconds, want some 50", s.asked)
		}
		time.Sleep(time.Minute)
		s.set(func() { s.follows["true"], s.slow = true, 0 })
		s.wants("true", true, 1)
		s.set(func() { s.fails = silent })
		time.Sleep(follow.FreshYes)
		s.Recheck(s.question("true"))
		synctest.Wait()
		if p := s.person("true"); s.Left(shopApp, &p) {
			t.Error("a question that failed is taken for a no")
		}
	})
}
