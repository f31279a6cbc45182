package sessiontest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// cases is the contract.
var cases = []struct {
	name string
	run  func(*testing.T, subject)
}{
	{"what is saved loads", saved},
	{"an incomplete session is refused", incomplete},
	{"another binding loads nothing", foreign},
	{"rubbish loads nothing", rubbish},
	{"an altered value loads nothing", altered},
	{"an idle session expires", idle},
	{"a visited session lives on, to its end", visited},
	{"a guest is gone soon", guest},
	{"a session from the future is none", future},
	{"an ended session is gone everywhere", ended},
	{"ending one leaves the others", others},
	{"what is over is not renewed", over},
	{"a caller that left is not a visitor that left", left},
	{"a session without an audience loads for each, until it is renewed", anyAudience},
	{"the sessions of a line end together", line},
	{"a replaced session answers a little longer", replaced},
	{"a replaced session ends with its line", replacedEnds},
	{"all at once", together},
}

func idle(t *testing.T, s subject) {
	v := visitor()
	value := s.mustSave(t, v)
	s.wait(s.policy.Idle - s.tick)
	s.loads(t, value, *v)
	s.wait(s.tick)
	s.loadsNothing(t, value, site)
}

func visited(t *testing.T, s subject) {
	v := visitor()
	value := s.mustSave(t, v)
	for range 3 {
		s.wait(3 * s.tick)
		before := v.Renewed
		value = s.mustRenew(t, v)
		if !v.Renewed.After(before) {
			t.Fatalf("Renew left Renewed at %s", v.Renewed)
		}
		s.loads(t, value, *v)
	}
	s.wait(s.tick) // now at the end of Lifetime, a tick after the last visit
	s.loadsNothing(t, value, site)
}

func guest(t *testing.T, s subject) {
	v := visitor()
	v.Guest = true
	value := s.mustSave(t, v)
	s.loads(t, value, *v)
	if s.tick < time.Minute {
		return // ten minutes are too long for a real clock
	}
	s.wait(session.GuestLifetime / 2)
	renewed := s.mustRenew(t, v)
	s.wait(session.GuestLifetime / 2)
	s.loadsNothing(t, value, site)
	s.loadsNothing(t, renewed, site)
}

func future(t *testing.T, s subject) {
	v := visitor()
	v.Created = v.Created.Add(session.MaxSkew / 2)
	v.Renewed = v.Created
	value := s.mustSave(t, v)
	s.loads(t, value, *v)

	v = visitor()
	v.Renewed = v.Renewed.Add(session.MaxSkew + time.Minute)
	s.loadsNothing(t, s.mustSave(t, v), site)
	v.Created = v.Renewed
	s.loadsNothing(t, s.mustSave(t, v), site)
}

func ended(t *testing.T, s subject) {
	v := visitor()
	first := s.mustSave(t, v)
	s.wait(3 * s.tick)
	stale := *v // as another tab still holds it
	second := s.mustRenew(t, v)
	for range 2 { // the second time must succeed too
		s.mustEnd(t, &stale)
	}
	s.loadsNothing(t, first, site)
	s.loadsNothing(t, second, site)
	// A value may live longer than the ended copy of the session says.
	s.wait(2 * s.tick)
	s.loadsNothing(t, second, site)
	s.wait(10 * s.tick)
	if err := s.End(t.Context(), v); err != nil {
		t.Errorf("End of an expired session: %v", err)
	}
}

func others(t *testing.T, s subject) {
	a, b := visitor(), visitor()
	valueA, valueB := s.mustSave(t, a), s.mustSave(t, b)
	s.mustEnd(t, a)
	s.loadsNothing(t, valueA, site)
	s.loads(t, valueB, *b)
}

func over(t *testing.T, s subject) {
	logout, old := visitor(), visitor()
	s.mustSave(t, logout)
	s.mustSave(t, old)
	s.mustEnd(t, logout)
	s.noRenewal(t, logout)
	s.wait(s.policy.Idle)
	s.noRenewal(t, old)
}

func left(t *testing.T, s subject) {
	v := visitor()
	value := s.mustSave(t, v)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Load(ctx, value, site); err != nil && !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("Load with a context that is done: %v, want the session or ErrUnavailable", err)
	}
	s.loads(t, value, *v)
}

func together(t *testing.T, s subject) {
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 4 {
				v := visitor()
				value, err := s.Save(t.Context(), v)
				if err != nil {
					t.Errorf("Save: %v", err)
					return
				}
				if got, err := s.peer.Load(t.Context(), value, site); err != nil || *got != *v {
					t.Errorf("Load: %v, %v", got, err)
				}
				if _, err := s.Renew(t.Context(), v); err != nil {
					t.Errorf("Renew: %v", err)
				}
				if err := s.End(t.Context(), v); err != nil {
					t.Errorf("End: %v", err)
				}
				s.settle()
				if _, err := s.peer.Load(t.Context(), value, site); !errors.Is(err, session.ErrNone) {
					t.Errorf("Load after End: %v", err)
				}
			}
		})
	}
	all.Wait()
}
