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
	// renewPatience is how long a visitor waits for a renewal. A slower one
	// still completes: the browser's value stays valid, and a later request
	// renews it.
	renewPatience = 100 * time.Millisecond
	// renewPause is how long renewals pause after one that failed or was late.
	renewPause = 2 * time.Second
	// maxRenewing bounds the renewals that run at once.
	maxRenewing = 256
)

// renewals decides whether sessions are renewed now. A store that hangs must
// not make every visitor wait (attack: slowing down the store slows down every
// page). The zero value is ready.
type renewals struct {
	resume  atomic.Int64 // when renewals resume, in ns since 1970
	running atomic.Int32
}

func (n *renewals) pause() { n.resume.Store(time.Now().Add(renewPause).UnixNano()) }

func (n *renewals) paused() bool { return time.Now().UnixNano() < n.resume.Load() }

// Renewed is a session after its renewal.
type Renewed struct {
	Session session.Session
	Value   string
}

// mayRenew reports whether a due session is renewed now. While the store is
// failing it is not, unless most of its lifetime is over: a long outage, or one
// that an attacker causes, must not sign visitors out.
func (site *Site) mayRenew(s *session.Session) bool {
	if !site.Hub.Memory.renewals.paused() && !outage.Failing(site.Hub.Store) {
		return true
	}
	return time.Until(site.Hub.Policy.Expires(s)) < time.Since(s.Renewed)
}

// RenewSession renews a session if it is due. The visitor waits no longer than
// renewPatience; msg is the log text for a failure. It returns nil if the
// session stays as it is for now.
func (site *Site) RenewSession(r *Request, s session.Session, msg string) *Renewed {
	if !site.Hub.Policy.Due(&s, time.Now()) || !site.mayRenew(&s) {
		return nil
	}
	n := &site.Hub.Memory.renewals
	if n.running.Add(1) > maxRenewing {
		n.running.Add(-1)
		return nil
	}
	// The renewal may outlive the request, so copy what it needs.
	key, withdrawn := r.cacheKey(r.SessionValue), r.keyWithdrawals
	ctx, cancel := site.StoreContext(r)
	done := make(chan *Renewed, 1)
	go func() { // ends with StoreContext's timeout
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
		err = site.keysUnchangedSince(withdrawn)
	}
	switch {
	case NoSession(err):
		return nil // the session was ended or replaced while the upstream worked
	case err != nil:
		// The session is still valid; a later request tries again.
		err = outage.During(outage.CallSave, err)
		a := site.AccountOf(s.AppID)
		if len(outage.Of(a.Name, err)) > 0 {
			site.Hub.Memory.renewals.pause()
		}
		site.Log().Note(slog.LevelWarn, msg, a.Name, "", err)
		return nil
	}
	site.Hub.Counts.renewed().Of(site.AccountOf(s.AppID).Name).Inc()
	site.cache.drop(key) // see Forget
	site.Hub.Live.Renewed(s.ID, value)
	return &Renewed{s, value}
}

// Renew renews the session when it is due, and gives the browser its cookie.
// The caller must call it before it sends the headers of the upstream's answer.
// Renew does nothing if shared caches may store that answer, or if the path is
// not protected; a later answer renews then. A browser that got a newer session
// while the upstream worked keeps that one.
func (site *Site) Renew(w http.ResponseWriter, r *Request) {
	if site.IsDue(r) && !caches.Shared(w.Header(), time.Now()) {
		site.RenewCookie(w, r)
	}
}

// IsDue reports whether the request's session is due for renewal by cookie. GET
// session renews tokens, because its answer can contain the new one.
func (site *Site) IsDue(r *Request) bool {
	return r.Identity != nil && r.Access == Protected && !r.Identity.Guest() && !r.Token.Sent && site.Hub.Policy.Due(&r.Identity.Session, time.Now())
}

// RenewCookie renews the session and gives the browser its cookie. If that
// fails or is late, the session stays as it is.
func (site *Site) RenewCookie(w http.ResponseWriter, r *Request) {
	s := r.Identity.Session     // a copy: the identity is shared
	s.Audience = session.Cookie // binds a session from before audiences were stored
	if fresh := site.RenewSession(r, s, "session not renewed"); fresh != nil {
		r.SessionValue = fresh.Value
		site.SetSession(w, r, fresh.Value, &fresh.Session)
	}
}
