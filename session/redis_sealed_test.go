package session_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// moving returns a store that takes over from sealed cookies, and those.
func moving(t *testing.T) (*session.Redis, *session.Sealed, *graves) {
	t.Helper()
	_, client := mini(t)
	r, dead := newRedis(t, client), new(graves)
	r.Sealed = &session.Sealed{Keys: newRing(t, secrets[0]), Tombstones: dead}
	return r, r.Sealed, dead
}

func TestRedisMovesSealedSessions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, sealed, _ := moving(t)
		cookie := mustSave(t, sealed, newSession())
		time.Sleep(time.Hour)
		s := wantSession(t, r, cookie)
		if sealed.Policy.Due(newSession(), time.Now()) || !r.Policy.Due(s, time.Now()) {
			t.Fatal("a sealed session is not due for its move")
		}
		value, err := r.Renew(t.Context(), s)
		if err != nil || value == cookie || r.Policy.Due(s, time.Now()) {
			t.Fatalf("Renew gave %q and %v, due %t", value, err, r.Policy.Due(s, time.Now()))
		}
		if got := wantSession(t, r, value); got.Person != s.Person || r.Policy.Due(got, time.Now()) {
			t.Errorf("it moved to %s", fields(*got))
		}
		mustList(t, r, s.Person, 1)

		// The answer with the new cookie was lost: the old one leads to the
		// same.
		again := wantSession(t, r, cookie)
		if got, err := r.Renew(t.Context(), again); got != value || err != nil {
			t.Errorf("Renew gave %q and %v, want the same value", got, err)
		}

		// After the end no copy signs in, however often it was renewed.
		time.Sleep(time.Hour)
		if _, err := r.Renew(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if err := r.End(t.Context(), wantSession(t, r, value)); err != nil {
			t.Fatal(err)
		}
		wantNone(t, r, value, cookie)
		for _, old := range []*session.Session{s, again} {
			if _, err := r.Save(t.Context(), old); !errors.Is(err, session.ErrEnded) {
				t.Errorf("Save after the end gave %v", err)
			}
		}
		time.Sleep(session.DefaultIdle)
		wantNone(t, r, value, cookie)
	})
}

// Many tabs, many instances, one cookie: all get the same new value.
func TestRedisMovesOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, sealed, _ := moving(t)
		peer := *r
		r.Keys = newRing(t, secrets[0], secrets[1])
		peer.Keys = newRing(t, secrets[1], secrets[0])
		cookie := mustSave(t, sealed, newSession())
		values := make([]string, 16)
		var all sync.WaitGroup
		for i := range values {
			store := []*session.Redis{r, &peer}[i%2]
			all.Go(func() {
				s, err := store.Load(t.Context(), cookie, shop)
				if err != nil {
					t.Errorf("Load: %s", err)
					return
				}
				if values[i], err = store.Renew(t.Context(), s); err != nil {
					t.Errorf("Renew: %s", err)
				}
			})
		}
		all.Wait()
		wantSession(t, r, values...)
		wantSession(t, &peer, values...)
		mustList(t, r, newSession().Person, 1)
	})
}

// Two sealed cookies of one session: the first to move stays, the other one
// goes on as it is.
func TestRedisMovesOneOfTwoCopies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, sealed, _ := moving(t)
		s := newSession()
		first := mustSave(t, sealed, s)
		second := mustSave(t, sealed, s)
		early := wantSession(t, r, second) // before the move of the first
		value, err := r.Renew(t.Context(), wantSession(t, r, first))
		if err != nil {
			t.Fatal(err)
		}
		for _, copy := range []*session.Session{early, wantSession(t, r, second)} {
			_, renewErr := r.Renew(t.Context(), copy)
			_, saveErr := r.Save(t.Context(), copy)
			if !errors.Is(renewErr, session.ErrUnavailable) || !errors.Is(saveErr, session.ErrUnavailable) {
				t.Errorf("Renew gave %v, Save %v", renewErr, saveErr)
			}
		}
		wantSession(t, r, value, first, second)
		if _, err := r.EndID(t.Context(), mustList(t, r, s.Person, 1)[0].ID); err != nil {
			t.Fatal(err)
		}
		wantNone(t, r, value, first, second)
	})
}

func TestRedisEndsSealedSessions(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, r *session.Redis, cookie string, dead *graves) error{
		"logout before the move": func(t *testing.T, r *session.Redis, cookie string, _ *graves) error {
			return r.End(t.Context(), wantSession(t, r, cookie))
		},
		"the person": func(t *testing.T, r *session.Redis, _ string, _ *graves) error {
			_, err := r.EndPerson(t.Context(), newSession().Person)
			return err
		},
		"logout before the migration": func(t *testing.T, _ *session.Redis, cookie string, dead *graves) error {
			return dead.EndSession(t.Context(), wantSession(t, session.Sealed{Keys: newRing(t, secrets[0])}, cookie).ID,
				time.Now().Add(session.DefaultLifetime))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r, sealed, dead := moving(t)
				cookie := mustSave(t, sealed, newSession())
				held := wantSession(t, r, cookie)
				if err := end(t, r, cookie, dead); err != nil {
					t.Fatal(err)
				}
				wantNone(t, r, cookie)
				if name == "logout before the migration" {
					return
				}
				if _, err := r.Renew(t.Context(), held); !errors.Is(err, session.ErrEnded) {
					t.Errorf("Renew gave %v, want ErrEnded", err)
				}
				time.Sleep(session.DefaultIdle - time.Minute)
				wantNone(t, r, cookie)
			})
		})
	}
}

// A sealed cookie says who, but only Redis says that it has not ended.
func TestRedisDoesNotTrustSealedAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, sealed, _ := moving(t)
		cookie := mustSave(t, sealed, newSession())
		wantNone(t, r, cookie[1:], cookie+"A", "")
		_ = r.Client.Close()
		if _, err := r.Load(t.Context(), cookie, shop); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("Load without Redis gave %v, want ErrUnavailable", err)
		}
		r.Sealed = nil
		wantNone(t, r, cookie)
	})
}
