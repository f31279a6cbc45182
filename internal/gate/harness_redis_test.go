package gate_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/redisledger"
	"github.com/caddy-wechat/gateway/internal/redistest"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/session"
)

// redisTown is a gateway on a real Redis, which it may share with others.
type redisTown struct {
	*town
	book *redisledger.Ledger
}

// onRedis opens a gateway on a Redis. Its visitors leave with ?logout.
func onRedis(t *testing.T, c *weChat, s *redistest.Server) *redisTown {
	t.Helper()
	o := s.Universal()
	o.ContextTimeoutEnabled = true
	client := s.Dial(o)
	out := &redisTown{book: redisledger.New(redisledger.Options{Client: client})}
	out.book.SetTargets([]ledger.Target{{Name: "crm"}})
	out.book.Start()
	near := &session.CachedStore{Stale: 500 * time.Millisecond, Bus: session.RedisBus{Client: client, Channel: (&session.Redis{}).Channel()}}
	near.Start()
	t.Cleanup(func() {
		_, _ = near.Close(), out.book.Close()
		_ = client.Close()
	})
	out.town = newTownWith(t, c, doors, scope("snsapi_base"), func(w *town) {
		w.inside, w.upstream = true, leaving
		keys := w.hub.Keys
		w.store.Store = near.WithConfig(&session.Redis{
			Client: client, Keys: keys, Sealed: &session.Sealed{Keys: keys, Tombstones: out.book},
		}, session.Policy{})
		w.hub.StoreHasCache = true
		w.hub.Ledger, w.hub.Ended, w.hub.PersonEnded, w.hub.EndUnsaved = out.book, out.book.Ended, out.book.PersonEnded, out.book.Unwritten
	})
	return out
}

// told are the events about sign-outs that wait.
func (w *redisTown) told() (n int) {
	w.t.Helper()
	// The end of a session may be stored before its event is: each is tried
	// again.
	eventually(w.t, "all that was kept", func() bool { return w.hub.Unfinished.Waiting() == 0 })
	due, _, err := w.book.Due(context.Background(), "crm", time.Now().Add(time.Hour), 100)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range due {
		if d.Kind == ledger.LoggedOut {
			n++
		}
		if err := w.book.Sent(context.Background(), "crm", d.ID); err != nil {
			w.t.Fatal(err)
		}
	}
	return n
}

// eventually waits for something that happens in the background.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for begun := time.Now(); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Since(begun) > 20*time.Second {
			t.Fatalf("%s: not in 20 s", what)
		}
	}
}

// outages are two ways in which Redis is away, and back.
var outages = map[string]struct{ begin, end func(*redistest.Server) }{
	"killed": {(*redistest.Server).Kill, (*redistest.Server).Restart},
	"hangs":  {func(s *redistest.Server) { s.Pause(0) }, (*redistest.Server).Resume},
}

// copied is somebody at another gateway who holds a copy of a browser's cookie.
func (w *redisTown) copied(b *browser) *browser {
	thief := w.browser("carol")
	thief.plant("/", "__Host-wechat", b.session())
	return thief
}

// copiedToken is the same for a client's token.
func (w *redisTown) copiedToken(c *client) *client {
	thief := w.client("carol")
	thief.token = c.token
	return thief
}

func signedOut(h hop) bool { return h.status == http.StatusUnauthorized }

var _ site.Ledger = (*redisledger.Ledger)(nil)
