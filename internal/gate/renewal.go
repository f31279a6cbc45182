package gate

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/caddy-wechat/gateway/internal/caches"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/session"
)

const (
	// renewPatience is how long a visitor waits for a renewal. One that takes longer
	// is carried out all the same: what the browser has stays good, and is renewed
	// by another request.
	renewPatience = 100 * time.Millisecond
	// renewPause is how long nothing is renewed after one that failed or was late.
	renewPause = 2 * time.Second
	// maxRenewing bounds the renewals that are under way at once.
	maxRenewing = 256
)

// renewals says whether sessions are renewed now. A store that hangs must not make
// each visitor wait (attack: whoever slows the store down slows every page down).
// The zero value is ready.
type renewals struct {
	resume  atomic.Int64 // when renewals go on, in ns since 1970
	running atomic.Int32
}

func (n *renewals) pause() { n.resume.Store(time.Now().Add(renewPause).UnixNano()) }

func (n *renewals) paused() bool { return time.Now().UnixNano() < n.resume.Load() }

// renewed is a session after its renewal.
type renewed struct {
	session session.Session
	value   string
}

// mayRenew reports whether a session that is due is to be renewed now. While the store
// is failing it is not, unless most of its time is over: an outage that lasts, or that
// somebody keeps up, must not sign visitors out.
func (g *Gate) mayRenew(s *session.Session) bool {
	if !g.Hub.Memory.renewals.paused() && !outage.Failing(g.Hub.Store) {
		return true
	}
	return time.Until(g.Hub.Policy.Expires(s)) < time.Since(s.Renewed)
}

// renewSession renews a session if it is due, for a visitor who waits no longer than
// renewPatience; msg is the log's text for a failure. It returns nil if the session
// stays as it is for now.
func (g *Gate) renewSession(r *Request, s session.Session, msg string) *renewed {
	if !g.Hub.Policy.Due(&s, time.Now()) || !g.mayRenew(&s) {
		return nil
	}
	n := &g.Hub.Memory.renewals
	if n.running.Add(1) > maxRenewing {
		n.running.Add(-1)
		return nil
	}
	// What it needs of the request: it may outlive it.
	key, withdrawn := r.cacheKey(r.cookie), r.withdrawn
	ctx, cancel := g.storeContext(r)
	done := make(chan *renewed, 1)
	go func() { // ends by storeTimeout
		defer cancel()
		defer n.running.Add(-1)
		done <- g.carryOutRenewal(ctx, s, key, withdrawn, msg)
	}()
	late := time.NewTimer(renewPatience)
	defer late.Stop()
	select {
	case fresh := <-done:
		return fresh
	case <-late.C:
		n.pause()
		return nil
	}
}

func (g *Gate) carryOutRenewal(ctx context.Context, s session.Session, key cacheKey, withdrawn uint64, msg string) *renewed {
	value, err := g.Hub.Store.Renew(ctx, &s)
	if err == nil {
		g.log().Worked(outage.Save)
		err = g.sameKeysSince(withdrawn)
	}
	switch {
	case isNobody(err):
		return nil // ended, or replaced, while the upstream worked
	case err != nil:
		// The session is good for longer; a later request tries again.
		err = outage.During(outage.CallSave, err)
		a := g.accountOf(s.AppID)
		if len(outage.Of(a.Name, err)) > 0 {
			g.Hub.Memory.renewals.pause()
		}
		g.log().Note(slog.LevelWarn, msg, a.Name, "", err)
		return nil
	}
	g.cache.drop(key) // see forget
	g.Hub.Live.renewed(s.ID, value)
	return &renewed{s, value}
}

// Renew writes the session anew when it is due, and gives the browser its cookie. It
// must be called before the headers of the upstream's answer are sent, and looks at
// them: an answer that shared caches may keep renews nothing, so that the next one
// does. Nor does an answer of a path that is not protected. A browser that was given
// a newer session while the upstream worked keeps that one.
func (g *Gate) Renew(w http.ResponseWriter, r *Request) {
	if g.isDue(r) && !caches.Shared(w.Header(), time.Now()) {
		g.renew(w, r)
	}
}

// isDue reports whether the request's session is to be renewed by its cookie. A token
// is renewed by GET session, which can hand over the new one.
func (g *Gate) isDue(r *Request) bool {
	return r.id != nil && r.Access == Protected && !r.id.Guest() && !r.token.sent && g.Hub.Policy.Due(&r.id.session, time.Now())
}

func (g *Gate) renew(w http.ResponseWriter, r *Request) {
	s := r.id.session           // a copy: the identity is shared
	s.Audience = session.Cookie // one made before audiences were kept is bound now
	if fresh := g.renewSession(r, s, "session not renewed"); fresh != nil {
		r.cookie = fresh.value
		g.setSession(w, r, fresh.value, &fresh.session)
	}
}
