package gate

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// Renew writes the session anew when it is due, and gives the browser its cookie. It
// must be called before the headers of the upstream's answer are sent, and looks at
// them: an answer that shared caches may keep renews nothing, so that the next one
// does. Nor does an answer of a path that is not protected. A browser that was given
// a newer session while the upstream worked keeps that one.
func (g *Gate) Renew(w http.ResponseWriter, r *Request) {
	if g.isDue(r) && !sharedByCaches(w.Header(), time.Now()) {
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
	ctx, cancel := g.storeContext(r)
	defer cancel()
	value, err := g.Hub.Store.Renew(ctx, &s)
	if err == nil {
		err = g.sameKeys(r)
	}
	switch {
	case isNobody(err):
		return // ended, or replaced, while the upstream worked
	case err != nil:
		// The session is good for longer; the next request tries again.
		g.Logger.Warn("session not renewed", slog.String("session", s.ID.Short()), slog.Any("error", err))
		return
	}
	g.forget(r)
	r.cookie = value
	g.Hub.Live.renewed(s.ID, value)
	g.setSession(w, r, value, &s)
}

// forget drops what was prepared from the request's cookie. The session behind
// it has changed, and a store may keep the value: it would be renewed again and
// again, or a decline not be seen.
func (g *Gate) forget(r *Request) { g.cache.drop(r.cacheKey(r.cookie)) }

// storeContext outlives the request: a visitor who leaves must not undo what
// was begun (attack: oauth2-proxy#1784, "context canceled" cleared sessions).
func (g *Gate) storeContext(r *Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.Context()), storeTimeout)
}

// StripCookies removes our cookies from r before the upstream sees it: they are
// of no use to the app, whose logs might keep them. Those of other sites on the
// same host go too, which browsers send along (attack: an app on another port
// reads the session of its neighbour's visitor).
func StripCookies(r *http.Request) { session.StripFunc(r, ourCookie) }
