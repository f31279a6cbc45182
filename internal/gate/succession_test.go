package gate_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/live"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// verdicts is a store that says the same of every session, until it is told to
// say what is so.
type verdicts struct {
	session.Store
	err atomic.Pointer[error]
}

func (s *verdicts) say(err error) { s.err.Store(&err) }

func (s *verdicts) Load(ctx context.Context, value string, b session.Binding) (*session.Session, error) {
	if err := s.err.Load(); err != nil {
		return nil, *err
	}
	return s.Store.Load(ctx, value, b)
}

// reloaded is the configuration after a town's: with another store, which knows
// the same sessions and hears of no end.
func reloaded(w *town, changes ...func(next *site.Hub)) (next *site.Hub, store *verdicts) {
	store = &verdicts{Store: w.store.Store}
	next = &site.Hub{
		Ledger: w.hub.Ledger, Store: store, StoreHasCache: true, Ended: func([16]byte) bool { return false },
		Keys: w.hub.Keys, Memory: w.hub.Memory, Live: new(live.List), Succession: new(site.Succession),
	}
	for _, change := range changes {
		change(next)
	}
	w.hub.Succession.SetNext(next)
	return next, store
}

// Attack: the store's address or the account is changed, and a socket of before
// runs on for as long as its visitor likes, or for a minute after the visitor
// has signed out. Each row is what happens at a reload, and how long a stream
// runs on after it.
func TestAttackStreamsOutliveTheirConfiguration(t *testing.T) {
	t.Parallel()
	const forever = time.Hour
	gone := func(string) bool { return false }
	c := newWeChat(t)
	for name, row := range map[string]struct {
		reload func(w *town)
		lasts  time.Duration
	}{
		"no reload": {func(*town) {}, forever},
		"the same store and account": {func(w *town) {
			reloaded(w, func(next *site.Hub) {
				next.Live, next.Admits = w.hub.Live, func(appID string) bool { return appID == shopApp }
			})
		}, forever},
		"the account is gone": {func(w *town) {
			reloaded(w, func(next *site.Hub) { next.Live, next.Admits = w.hub.Live, gone })
		}, time.Minute},
		"the account is gone at the next reload": {func(w *town) {
			next, _ := reloaded(w, func(next *site.Hub) { next.Live = w.hub.Live })
			time.Sleep(10 * time.Minute)
			next.Succession.SetNext(&site.Hub{Memory: w.hub.Memory, Live: w.hub.Live, Admits: gone})
		}, 11 * time.Minute},
		"the account was gone for half a minute": {func(w *town) {
			next, _ := reloaded(w, func(next *site.Hub) { next.Live, next.Admits = w.hub.Live, gone })
			time.Sleep(30 * time.Second)
			next.Succession.SetNext(&site.Hub{Memory: w.hub.Memory, Live: w.hub.Live})
		}, forever},
		"no gateway any more": {func(w *town) { w.hub.Succession.SetNext(nil) }, time.Minute},
		"another store knows the session": {func(w *town) {
			reloaded(w)
		}, time.Minute},
		"another store does not": {func(w *town) {
			_, store := reloaded(w)
			store.say(session.ErrTampered)
		}, time.Minute},
		"another store does not answer": {func(w *town) {
			_, store := reloaded(w)
			store.say(session.ErrUnavailable)
		}, time.Minute},
		"another store knows a newer session of the browser": {func(w *town) {
			_, store := reloaded(w)
			store.say(session.ErrReplaced)
		}, time.Minute},
		"another store knows of a logout": {func(w *town) {
			_, store := reloaded(w)
			store.say(session.ErrEnded)
		}, 0},
		"another store, and then a logout": {func(w *town) {
			_, store := reloaded(w)
			time.Sleep(20 * time.Second)
			store.say(session.ErrNone) // it keeps nothing of what has ended
		}, 20 * time.Second},
		"a third store, and then a logout": {func(w *town) {
			between, _ := reloaded(w)
			next, store := reloaded(w)
			w.hub.Succession.SetNext(between)
			between.Succession.SetNext(next)
			time.Sleep(20 * time.Second)
			store.say(session.ErrNone)
		}, 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				want := min(row.lasts, forever-5*time.Second)
				if lasted := runsOn(t, c, forever, row.reload); lasted < want-time.Second || lasted > want+2*time.Second {
					t.Errorf("it ran on for %v, want %v", lasted, want)
				}
			})
		})
	}
}

// runsOn is how long a stream runs on after a reload, five seconds after it
// began. Its visitor leaves after the limit.
func runsOn(t *testing.T, c *weChat, limit time.Duration, reload func(*town)) time.Duration {
	w := newTownWith(t, c, scope(wechat.ScopeBase), func(w *town) {
		w.inside, w.hub.Succession = true, new(site.Succession)
		w.stream = func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("X-Upstream", "1")
			if r.URL.Path == "/stream" {
				<-r.Context().Done()
			}
		}
	})
	b := w.browser("alice")
	b.open("/")
	ctx, leave := context.WithTimeout(t.Context(), limit)
	defer leave()
	over := make(chan time.Time, 1)
	go func() {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, shop+"/stream", nil)
		r.AddCookie(&http.Cookie{Name: "__Host-wechat", Value: b.session()})
		w.ServeHTTP(httptest.NewRecorder(), r)
		over <- time.Now()
	}()
	time.Sleep(5 * time.Second)
	begun := time.Now()
	reload(w)
	return (<-over).Sub(begun)
}
