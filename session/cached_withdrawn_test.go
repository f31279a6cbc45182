package session_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caddy-wechat/gateway/session"
)

// ringed is a counted store that says what its keys open and when one was taken
// away.
type ringed struct {
	*counted
	session.Sealed
}

func (r ringed) Load(ctx context.Context, value string, b session.Binding) (*session.Session, error) {
	return r.counted.Load(ctx, value, b)
}

func (r ringed) Save(ctx context.Context, s *session.Session) (string, error) {
	return r.counted.Save(ctx, s)
}

func (r ringed) Renew(ctx context.Context, s *session.Session) (string, error) {
	return r.counted.Renew(ctx, s)
}
func (r ringed) End(ctx context.Context, s *session.Session) error { return r.counted.End(ctx, s) }

// nearRinged is a CachedStore over a store with generated keys.
func nearRinged(t *testing.T) (*session.CachedStore, *counted, *session.KeyManager) {
	t.Helper()
	keeper, ring := open(t, newKeyStore())
	sealed := session.Sealed{Keys: ring}
	c := &counted{Store: sealed}
	return &session.CachedStore{Store: ringed{c, sealed}, Fresh: time.Hour, Stale: time.Hour}, c, keeper
}

func retire(t *testing.T, keeper *session.KeyManager) {
	t.Helper()
	if _, err := keeper.RetireNow(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Attack: a leaked key is taken away, and what was made with it goes on from
// memory: what was just confirmed, what is being asked at the moment, what was
// just written, and what an outage would excuse.
func TestAttackNearRemembersAWithdrawnKey(t *testing.T) {
	t.Parallel()
	for name, during := range map[string]func(*testing.T, *session.CachedStore, *counted, string){
		"just confirmed": func(t *testing.T, n *session.CachedStore, _ *counted, value string) { wantSession(t, n, value) },
		"being asked": func(t *testing.T, n *session.CachedStore, c *counted, value string) {
			c.delay.Store(int64(time.Second))
			go func() { _, _ = n.Load(t.Context(), value, shop) }()
			synctest.Wait()
		},
		"the store is down": func(t *testing.T, n *session.CachedStore, c *counted, value string) {
			wantSession(t, n, value)
			c.down.Store(true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n, c, keeper := nearRinged(t)
				value := mustSave(t, c, newSession()) // the CachedStore does not know it yet
				during(t, n, c, value)
				retire(t, keeper)
				if s, err := n.Load(t.Context(), value, shop); err == nil {
					t.Errorf("at once: %v is signed in", s)
				}
				time.Sleep(2 * time.Second) // what was asked has come back
				if s, err := n.Load(t.Context(), value, shop); err == nil {
					t.Errorf("later: %v is signed in", s)
				}
				c.down.Store(false)
				wantNone(t, n, value)
				wantSession(t, n, mustSave(t, n, newSession()))
			})
		})
	}
}

// The withdrawal of a key that made nothing costs no question to the store.
func TestNearGoesOnWhenAnotherKeyIsWithdrawn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, c, keeper := nearRinged(t)
		if _, err := keeper.AddKey(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * day)
		if err := keeper.Refresh(t.Context()); err != nil { // the new one seals
			t.Fatal(err)
		}
		withdrawn := n.Store.(ringed).Withdrawn()
		time.Sleep(11 * day)
		value := mustSave(t, n, newSession())
		if err := keeper.Refresh(t.Context()); err != nil || n.Store.(ringed).Withdrawn() == withdrawn {
			t.Fatalf("Refresh: %v, or nothing was withdrawn", err)
		}
		wantSession(t, n, value, value)
		wantLoads(t, c, 0)
	})
}

// With Redis: at once on this gateway, and on the other one when it has read
// the keys. A dump of its records, and the cookies, are worth nothing.
func TestAttackRedisSessionsOfAWithdrawnKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, client := mini(t)
		store := newKeyStore()
		gateway := func(client redis.UniversalClient) (*session.CachedStore, *session.KeyManager) {
			keeper, ring := open(t, store)
			return &session.CachedStore{Store: &session.Redis{Client: client, Keys: ring, Sealed: &session.Sealed{Keys: ring}}}, keeper
		}
		here, keeper := gateway(client)
		there, peer := gateway(client)
		id := mustSave(t, here, newSession())
		sealed := mustSave(t, *here.Store.(*session.Redis).Sealed, newSession())
		wantSession(t, here, id, sealed)
		wantSession(t, there, id, sealed)
		retire(t, keeper)
		wantNone(t, here, id, sealed)
		if err := peer.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantNone(t, there, id, sealed)
		anew := mustSave(t, there, newSession())
		wantSession(t, here, anew)
	})
}
