package gate

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/session"
)

// renew writes the session anew when it is due, on protected paths only: answers
// of the others may be kept by caches that visitors share. Should the app allow
// that for a protected one, [KeepFromCaches] takes the cookie out again.
func (g *Gate) renew(w http.ResponseWriter, r *Request) {
	if r.id == nil || r.Access != Protected || r.id.Guest() || r.token.sent {
		return // a token is renewed by GET session, which can hand over the new one
	}
	s := r.id.session // a copy: the identity is shared
	if !g.Hub.Policy.Due(&s, time.Now()) {
		return
	}
	s.Audience = session.Cookie // one made before audiences were kept is bound now
	ctx, cancel := g.storeContext(r)
	defer cancel()
	value, err := g.Hub.Store.Renew(ctx, &s)
	if err == nil {
		err = g.sameKeys(r)
	}
	if errors.Is(err, session.ErrReplaced) {
		return // the browser has a newer one
	}
	if err != nil {
		// The session is good for longer; the next request tries again.
		g.Logger.Warn("session not renewed", slog.String("session", s.ID.Short()), slog.Any("error", err))
		return
	}
	g.forget(r)
	r.cookie, r.renewed = value, true
	g.Hub.Live.renewed(s.ID, value)
	g.setSession(w, r, value, &s)
}

// KeepNewest takes the renewed cookie out of an answer if the browser was given a
// newer session while the upstream worked: it would come back in its place. It must
// be called before the answer's headers are sent.
func (g *Gate) KeepNewest(w http.ResponseWriter, r *Request) {
	if !r.renewed {
		return
	}
	if id, err := g.lookup(r, r.cookie); err == nil && !id.session.Leaving() || err != nil && !isNobody(err) {
		return
	}
	h, ours := w.Header(), r.site.jar().Name(r.site.secure)+"="
	h["Set-Cookie"] = slices.DeleteFunc(h["Set-Cookie"], func(line string) bool { return strings.HasPrefix(line, ours) })
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
