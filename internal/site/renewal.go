package site

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

// Renewed is a session after its renewal.
type Renewed struct {
	Session session.Session
	Value   string
}

// mayRenew reports whether a session that is due is to be renewed now. While the store
// is failing it is not, unless most of its time is over: an outage that lasts, or that
// somebody keeps up, must not sign visitors out.
func (site *Site) mayRenew(s *session.Session) bool {
	if !site.Hub.Memory.renewals.paused() && !outage.Failing(site.Hub.Store) {
		return true
	}
	return time.Until(site.Hub.Policy.Expires(s)) < time.Since(s.Renewed)
}

// RenewSession renews a session if it is due, for a visitor who waits no longer than
// renewPatience; msg is the log's text for a failure. It returns nil if the session
// stays as it is for now.
func (site *Site) RenewSession(r *Request, s session.Session, msg string) *Renewed {
	if !site.Hub.Policy.Due(&s, time.Now()) || !site.mayRenew(&s) {
		return nil
	}
	n := &site.Hub.Memory.renewals
	if n.running.Add(1) > maxRenewing {
		n.running.Add(-1)
		return nil
	}
	// What it needs of the request: it may outlive it.
	key, withdrawn := r.cacheKey(r.SessionValue), r.withdrawn
	ctx, cancel := site.StoreContext(r)
	done := make(chan *Renewed, 1)
	go func() { // ends with StoreContext's time
		defer cancel()
		defer n.running.Add(-1)
		done <- site.carryOutRenewal(ctx, s, key, withdrawn, msg)
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

func (site *Site) carryOutRenewal(ctx context.Context, s session.Session, key cacheKey, withdrawn uint64, msg string) *Renewed {
	value, err := site.Hub.Store.Renew(ctx, &s)
	if err == nil {
		site.Log().Worked(outage.Save)
		err = site.sameKeysSince(withdrawn)
	}
	switch {
	case IsNobody(err):
		return nil // ended, or replaced, while the upstream worked
	case err != nil:
		// The session is good for longer; a later request tries again.
		err = outage.During(outage.CallSave, err)
		a := site.AccountOf(s.AppID)
		if len(outage.Of(a.Name, err)) > 0 {
			site.Hub.Memory.renewals.pause()
		}
		site.Log().Note(slog.LevelWarn, msg, a.Name, "", err)
		return nil
	}
	site.cache.drop(key) // see Forget
	site.Hub.Live.Renewed(s.ID, value)
	return &Renewed{s, value}
}

// Renew writes the session anew when it is due, and gives the browser its cookie. It
// must be called before the headers of the upstream's answer are sent, and looks at
// them: an answer that shared caches may keep renews nothing, so that the next one
// does. Nor does an answer of a path that is not protected. A browser that was given
// a newer session while the upstream worked keeps that one.
func (site *Site) Renew(w http.ResponseWriter, r *Request) {
	if site.IsDue(r) && !caches.Shared(w.Header(), time.Now()) {
		site.RenewCookie(w, r)
	}
}

// IsDue reports whether the request's session is to be renewed by its cookie. A token
// is renewed by GET session, which can hand over the new one.
func (site *Site) IsDue(r *Request) bool {
	return r.Identity != nil && r.Access == Protected && !r.Identity.Guest() && !r.Token.Sent && site.Hub.Policy.Due(&r.Identity.Session, time.Now())
}

// RenewCookie renews the session and gives the browser its cookie. Where it fails, or is
// late, the session stays as it is.
func (site *Site) RenewCookie(w http.ResponseWriter, r *Request) {
	s := r.Identity.Session     // a copy: the identity is shared
	s.Audience = session.Cookie // one made before audiences were kept is bound now
	if fresh := site.RenewSession(r, s, "session not renewed"); fresh != nil {
		r.SessionValue = fresh.Value
		site.SetSession(w, r, fresh.Value, &fresh.Session)
	}
}
