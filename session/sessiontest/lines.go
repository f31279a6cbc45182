package sessiontest

import (
	"errors"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// after returns a session that the browser of another session makes after it.
func after(v *session.Session) *session.Session {
	next := visitor()
	next.Line = v.LineID()
	return next
}

// anyAudience is a session from before audiences were recorded.
func anyAudience(t *testing.T, s subject) {
	old := visitor()
	old.Audience = session.AnyAudience
	value := s.mustSave(t, old)
	for _, audience := range []session.Audience{session.Cookie, session.Token} {
		b := site
		b.Audience = audience
		got, err := s.Load(t.Context(), value, b)
		if err != nil || got.Audience != session.AnyAudience {
			t.Fatalf("Load for %s gave %v and %v", audience, got, err)
		}
	}
	// A renewal binds it: the new value loads for one audience only.
	old.Audience = session.Cookie
	renewed := s.mustRenew(t, old)
	s.loads(t, renewed, *old)
	token := site
	token.Audience = session.Token
	s.loadsNothing(t, renewed, token)
}

// line is a browser that signed in three times: one end ends all three
// sessions.
func line(t *testing.T, s subject) {
	for name, pick := range map[string]func(all []*session.Session) *session.Session{
		"the first":  func(all []*session.Session) *session.Session { return all[0] },
		"the middle": func(all []*session.Session) *session.Session { return all[1] },
		"the newest": func(all []*session.Session) *session.Session { return all[2] },
	} {
		first := visitor()
		all := []*session.Session{first, after(first), after(first)}
		other := visitor()
		values := make([]string, 0, len(all))
		for _, v := range all {
			values = append(values, s.mustSave(t, v))
		}
		kept := s.mustSave(t, other)
		for i, v := range all {
			s.loads(t, values[i], *v)
		}
		s.mustEnd(t, pick(all))
		for i, v := range all {
			s.loadsNothing(t, values[i], site)
			s.noRenewal(t, v)
		}
		s.loads(t, kept, *other)

		// The end does not affect the browser's next sign-in.
		next := after(first)
		if value, err := s.Save(t.Context(), next); value != "" || !errors.Is(err, session.ErrLineEnded) {
			t.Fatalf("%s ended: Save into the line gave %q and %v, want ErrLineEnded", name, value, err)
		}
		next.Line = session.ID{}
		s.loads(t, s.mustSave(t, next), *next)
	}
}

// replaced is a session that a newer one of the same browser has replaced.
func replaced(t *testing.T, s subject) {
	first := visitor()
	old := s.mustSave(t, first)
	next := after(first)
	value := s.mustSave(t, next)
	for range 2 { // the second time must succeed, and must not move the end
		if err := s.Replace(t.Context(), first); err != nil {
			t.Fatalf("Replace: %v", err)
		}
		s.settle()
		s.wait(2 * time.Second)
		for _, store := range []session.Store{s.Store, s.peer} {
			got, err := store.Load(t.Context(), old, site)
			if err != nil || !got.Leaving() || s.policy.Due(got, time.Now().Add(s.policy.Idle/2)) {
				t.Fatalf("a replaced session within its time: %v, %v; want one that leaves and is not due", got, err)
			}
			if left := time.Until(s.policy.Expires(got)); left > session.Linger {
				t.Fatalf("a replaced session expires in %s", left)
			}
		}
		s.noRenewal(t, first)
	}
	if s.tick < time.Minute {
		return // a real clock: a busy machine may let the session expire
	}
	s.wait(session.Linger - 3*time.Second)
	for _, store := range []session.Store{s.Store, s.peer} {
		if got, err := store.Load(t.Context(), old, site); got != nil || !errors.Is(err, session.ErrReplaced) {
			t.Fatalf("a replaced session after its time: %v and %v, want ErrReplaced", got, err)
		}
	}
	s.noRenewal(t, first)
	s.loads(t, value, *next)
	s.mustEnd(t, next)
	s.loadsNothing(t, value, site)
	for _, store := range []session.Store{s.Store, s.peer} {
		if _, err := store.Load(t.Context(), old, site); !errors.Is(err, session.ErrNone) || errors.Is(err, session.ErrReplaced) {
			t.Fatalf("a replaced session after the end of its line: %v, want an end", err)
		}
	}
}

// replacedEnds is a line that ends while a replaced session still answers.
func replacedEnds(t *testing.T, s subject) {
	first := visitor()
	old := s.mustSave(t, first)
	next := after(first)
	value := s.mustSave(t, next)
	if err := s.Replace(t.Context(), first); err != nil {
		t.Fatalf("Replace: %v", err)
	}
	s.mustEnd(t, next)
	s.loadsNothing(t, old, site)
	s.loadsNothing(t, value, site)
	s.noRenewal(t, first)
}
