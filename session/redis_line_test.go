package session_test

import (
	"errors"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/session"
)

// A session that was replaced answers for ten seconds and then says so until
// its line ends, with the clock of a real Redis.
func TestRedisReplaced(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b redistest.Backend) {
		r := patient(t, b)
		first := newSession()
		old := mustSave(t, r, first)
		next := newSession()
		next.Line = first.ID
		value := mustSave(t, r, next)
		if err := r.Replace(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		s := wantSession(t, r, old)
		if expires := time.Until(r.Policy.Expires(s)); expires <= 0 || expires > session.Linger {
			t.Errorf("a replaced session expires in %s, want at most %s", expires, session.Linger)
		}
		if r.Policy.Due(s, time.Now().Add(session.DefaultIdle/2)) {
			t.Error("a replaced session is due for a renewal")
		}
		mustList(t, r, first.Person, 1)
		time.Sleep(session.Linger + 100*time.Millisecond)
		if got, err := r.Load(t.Context(), old, shop); got != nil || !errors.Is(err, session.ErrReplaced) {
			t.Errorf("after %s: Load gave %v and %v, want ErrReplaced", session.Linger, got, err)
		}
		wantSession(t, r, value)
		// An operator ends the newer one by the id that the list shows.
		if found, err := r.EndID(t.Context(), mustList(t, r, first.Person, 1)[0].ID); !found || err != nil {
			t.Fatalf("EndID gave %t and %v", found, err)
		}
		wantNone(t, r, old, value)
		if _, err := r.Load(t.Context(), old, shop); errors.Is(err, session.ErrReplaced) {
			t.Errorf("after the end of its line: %v", err)
		}
	})
}

// Attack: an operator ends a session of a person, and a copy of the cookie
// before it goes on. What the visitor signs in next does.
func TestRedisOperatorEndsTheLine(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b redistest.Backend) {
		r := patient(t, b)
		first := newSession()
		first.Person = "operator" + first.ID.String()[:8]
		old := mustSave(t, r, first)
		next := newSession()
		next.Person, next.Line = first.Person, first.ID
		value := mustSave(t, r, next)
		for _, info := range mustList(t, r, first.Person, 2)[:1] {
			if found, err := r.EndID(t.Context(), info.ID); !found || err != nil {
				t.Fatalf("EndID gave %t and %v", found, err)
			}
		}
		wantNone(t, r, old, value)
		again := newSession()
		again.Person, again.Line = first.Person, first.ID
		if _, err := r.Save(t.Context(), again); !errors.Is(err, session.ErrLineEnded) {
			t.Fatalf("Save into the ended line gave %v, want ErrLineEnded", err)
		}
		again.Line = session.ID{}
		wantSession(t, r, mustSave(t, r, again))
	})
}

// A sealed cookie that was not moved to Redis yet is replaced, and ended with
// its line, like any other session.
func TestRedisReplacesSealedSessions(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]bool{"before the move": false, "after the move": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, sealed, _ := moving(t)
			first := newSession()
			cookie := mustSave(t, sealed, first)
			if move {
				if _, err := r.Renew(t.Context(), wantSession(t, r, cookie)); err != nil {
					t.Fatal(err)
				}
			}
			held := wantSession(t, r, cookie)
			next := newSession()
			next.Line = held.LineID()
			value := mustSave(t, r, next)
			if err := r.Replace(t.Context(), held); err != nil {
				t.Fatal(err)
			}
			if s := wantSession(t, r, cookie); r.Policy.Due(s, time.Now()) || time.Until(r.Policy.Expires(s)) > session.Linger {
				t.Errorf("a replaced sealed session goes on: %s", fields(*s))
			}
			if _, err := r.Renew(t.Context(), held); !errors.Is(err, session.ErrNone) {
				t.Errorf("a replaced sealed session was moved: %v", err)
			}
			if err := r.End(t.Context(), next); err != nil {
				t.Fatal(err)
			}
			wantNone(t, r, cookie, value)
		})
	}
}

// A token and its web-views are one line: when one of them ends, none is
// listed.
func TestRedisListsNoEndedLine(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b redistest.Backend) {
		r := patient(t, b)
		token, view, other := newSession(), newSession(), newSession()
		token.Person = "list" + token.ID.String()[:8]
		view.Person, other.Person, view.Line = token.Person, token.Person, token.ID
		for _, s := range []*session.Session{token, view, other} {
			mustSave(t, r, s)
		}
		if err := r.End(t.Context(), view); err != nil {
			t.Fatal(err)
		}
		mustList(t, r, token.Person, 1)
	})
}
