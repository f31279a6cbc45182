package session_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/session"
)

// of returns a session of a person.
func of(person string) *session.Session {
	return session.New(shop, person, "o6_bmjrPTlm6_2sgVt7hMZOPfL2M", session.ScopeBase)
}

// mustSave saves a session. A busy machine may let a call take longer than its
// timeout: it is tried again.
func mustSave(t testing.TB, store session.Store, s *session.Session) string {
	t.Helper()
	value, err := store.Save(t.Context(), s)
	for tries := 0; errors.Is(err, session.ErrUnavailable) && tries < 5; tries++ {
		value, err = store.Save(t.Context(), s)
	}
	if err != nil {
		t.Fatalf("Save: %s", err)
	}
	return value
}

// wantNone checks that a value is no session; wantSession, that it is one.
func wantNone(t testing.TB, store session.Store, values ...string) {
	t.Helper()
	for _, value := range values {
		if _, err := store.Load(t.Context(), value, shop); !errors.Is(err, session.ErrNone) {
			t.Fatalf("Load gave %v, want an ErrNone", err)
		}
	}
}

func wantSession(t testing.TB, store session.Store, values ...string) *session.Session {
	t.Helper()
	var s *session.Session
	for _, value := range values {
		var err error
		if s, err = store.Load(t.Context(), value, shop); err != nil {
			t.Fatalf("Load: %s", err)
		}
	}
	return s
}

func mustList(t testing.TB, r *session.Redis, person string, want int) []session.Info {
	t.Helper()
	list, err := r.Sessions(t.Context(), person)
	if err != nil || len(list) != want {
		t.Fatalf("Sessions gave %d and %v, want %d", len(list), err, want)
	}
	return list
}

func TestRedisListsAndEndsThePerson(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, client := mini(t)
		r := newRedis(t, client)
		var values []string
		for range 3 {
			values = append(values, mustSave(t, r, of("anna")))
			time.Sleep(time.Minute)
		}
		other := mustSave(t, r, of("bert"))
		list := mustList(t, r, "anna", 3)
		newest := list[0]
		if !newest.Created.After(list[1].Created) || !list[1].Created.After(list[2].Created) {
			t.Errorf("not the newest first: %v", list)
		}
		if newest.Site != shop.Site || newest.AppID != shop.AppID || newest.Scope != session.ScopeBase ||
			!newest.Expires.Equal(newest.Renewed.Add(session.DefaultIdle)) {
			t.Errorf("Sessions shows %+v", newest)
		}
		mustList(t, r, "nobody", 0)
		mustList(t, r, "", 0)

		// One of them, by what admins see.
		if was, err := r.EndID(t.Context(), newest.ID); !was || err != nil {
			t.Fatalf("EndID gave %t and %v", was, err)
		}
		if was, err := r.EndID(t.Context(), newest.ID); was || err != nil {
			t.Fatalf("EndID again gave %t and %v", was, err)
		}
		wantNone(t, r, values[2])
		mustList(t, r, "anna", 2)

		// All of them.
		if n, err := r.EndPerson(t.Context(), "anna"); n != 2 || err != nil {
			t.Fatalf("EndPerson gave %d and %v", n, err)
		}
		wantNone(t, r, values...)
		wantSession(t, r, other)
		mustList(t, r, "anna", 0)
		if n, err := r.EndPerson(t.Context(), ""); n != 0 || err != nil {
			t.Errorf("EndPerson of nobody gave %d and %v", n, err)
		}

		// A new sign-in is a new sign-in.
		time.Sleep(time.Second)
		wantSession(t, r, mustSave(t, r, of("anna")))
	})
}

func TestRedisEndIDRefusesOtherTexts(t *testing.T) {
	t.Parallel()
	r := &session.Redis{} // it is not asked
	for _, id := range []string{
		"", "a", "abc", "AAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAA", "A\nAAAAAAAAAAAAAAAAA",
		"ABCAAAAAAAAAAAAAAAA", "AAA}:AAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAA\nAA", strings.Repeat("A", 1<<16),
	} {
		if _, err := r.EndID(t.Context(), id); !errors.Is(err, session.ErrInvalid) {
			t.Errorf("EndID(%.30q) gave %v, want ErrInvalid", id, err)
		}
	}
}

// A session that is being saved while its person is ended is ended, too.
func TestRedisEndPersonCatchesWhatIsBeingSaved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, client := mini(t)
		r := newRedis(t, client)
		late := of("anna") // made now, saved after the end
		time.Sleep(100 * time.Millisecond)
		old := of("anna")
		mustSave(t, r, old)
		if _, err := r.EndPerson(t.Context(), "anna"); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*session.Session{late, old} {
			if value, err := r.Save(t.Context(), s); value != "" || !errors.Is(err, session.ErrEnded) {
				t.Errorf("Save gave %q and %v, want ErrEnded", value, err)
			}
			if _, err := r.Renew(t.Context(), s); !errors.Is(err, session.ErrEnded) {
				t.Errorf("Renew gave %v, want ErrEnded", err)
			}
		}
		mustList(t, r, "anna", 0)
	})
}

// Under load, on a real server: nothing of before the end is there after it.
func TestRedisEndPersonUnderLoad(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b redistest.Backend) {
		r := patient(t, b)
		ended := make(chan struct{})
		saved := make(chan struct{})
		first := sync.OnceFunc(func() { close(saved) })
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				defer first() // nobody waits for one that gave up
				for after := false; !after; {
					select {
					case <-ended:
						after = true // once more
					default:
					}
					s := of("anna")
					s.Created = s.Created.Add(-time.Second) // all of them from before
					if _, err := r.Save(t.Context(), s); err != nil && !errors.Is(err, session.ErrEnded) {
						t.Errorf("Save: %s", err)
						return
					}
					first()
				}
			})
		}
		<-saved // not a moment: a busy machine may need a second for TLS alone
		n, err := r.EndPerson(t.Context(), "anna")
		close(ended)
		all.Wait()
		if err != nil || n == 0 {
			t.Errorf("EndPerson gave %d and %v", n, err)
		}
		mustList(t, r, "anna", 0)
		if r.Client.DBSize(t.Context()).Val() > 1 {
			t.Errorf("%d keys are left, want the mark alone", r.Client.DBSize(t.Context()).Val())
		}
	})
}

// Nobody has more than a thousand sessions; the one that would expire first
// goes.
func TestRedisBoundsThePerson(t *testing.T) {
	t.Parallel()
	r := patient(t, servers.Standalone(t))
	first := of("anna")
	first.Created, first.Renewed = first.Created.Add(-time.Hour), first.Renewed.Add(-time.Hour)
	gone := mustSave(t, r, first)
	for range 1000 {
		mustSave(t, r, of("anna"))
	}
	wantNone(t, r, gone)
	mustList(t, r, "anna", 1000)
	begun := time.Now()
	mustList(t, r, "anna", 1000)
	listed := time.Since(begun)
	begun = time.Now()
	if n, err := r.EndPerson(t.Context(), "anna"); n != 1000 || err != nil {
		t.Errorf("EndPerson gave %d and %v", n, err)
	}
	t.Logf("a person with 1000 sessions: listed in %s, ended in %s", listed, time.Since(begun))
}

// What Redis holds says nothing about persons, and opens nothing by itself.
func TestRedisDumpRevealsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, client := mini(t)
		r := newRedis(t, client)
		s := newSession()
		value := mustSave(t, r, s)
		if _, err := r.EndPerson(t.Context(), "somebody"); err != nil {
			t.Fatal(err)
		}
		dump := m.Dump()
		for _, key := range m.Keys() {
			if text, err := m.Get(key); err == nil {
				dump += text // Dump cuts long ones
			}
		}
		for what, text := range map[string]string{
			"person": s.Person, "openid": s.OpenID, "id": string(s.ID[:]), "value": value, "its secret": value[25:40],
			"id in hex": s.ID.String(),
		} {
			if strings.Contains(dump, text) {
				t.Errorf("the dump holds the %s", what)
			}
		}
		// A ring that is known helps as little without the cookie: nothing in
		// the dump is a value, in any form.
		for _, key := range m.Keys() {
			text, _ := m.Get(key)
			wantNone(t, r, key, text, fmt.Sprintf("%.68s", text))
		}
	})
}

// Attack: the end of a person's sessions is carried out late, and a session
// that was made after it ends too, or the mark of a later end is taken back.
// Records of every form say when they were made.
func TestAttackLateEndTakesLaterSessions(t *testing.T) {
	each(t, func(t *testing.T, b redistest.Backend) {
		r := newRedis(t, b.Client())
		at := time.Now().Add(-time.Minute)
		made := func(after time.Duration, change func(*session.Session)) string {
			s := of("anna")
			s.Created = time.Unix(at.Add(after).Unix(), 0).UTC()
			s.Renewed = s.Created
			change(s)
			return mustSave(t, r, s)
		}
		plain := func(*session.Session) {}
		lined := func(s *session.Session) { s.Line = session.NewID() }
		before := []string{made(-time.Hour, plain), made(-time.Second, lined), made(0, plain), made(0, lined)}
		after := []string{made(time.Second, plain), made(30*time.Second, lined)}
		replaced := of("anna")
		replaced.Created, replaced.Renewed = time.Unix(at.Unix()+5, 0).UTC(), time.Unix(at.Unix()+5, 0).UTC()
		after = append(after, mustSave(t, r, replaced))
		if err := r.Replace(t.Context(), replaced); err != nil {
			t.Fatal(err)
		}
		if n, err := r.EndPersonAt(t.Context(), "anna", at); n != len(before) || err != nil {
			t.Errorf("EndPersonAt gave %d and %v", n, err)
		}
		wantNone(t, r, before...)
		for _, value := range after {
			wantSession(t, r, value)
		}
		mustList(t, r, "anna", 2) // the replaced one is not listed
		if _, err := r.EndPerson(t.Context(), "anna"); err != nil {
			t.Fatal(err)
		}
		if _, err := r.EndPersonAt(t.Context(), "anna", at); err != nil {
			t.Fatal(err)
		}
		again := of("anna")
		again.Created, again.Renewed = replaced.Created, replaced.Created
		if _, err := r.Save(t.Context(), again); !errors.Is(err, session.ErrEnded) {
			t.Errorf("the mark went back: %v", err)
		}
	})
}
