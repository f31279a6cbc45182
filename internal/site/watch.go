package site

import (
	"errors"
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/live"
	"github.com/caddy-wechat/gateway/session"
)

// Watch returns the request to forward. Its context and its connection end when
// the session does. The caller must call [Request.Done] when the request has
// ended; w is not used after that. Requests without a session, or of a Hub
// without Live, are not watched.
func (site *Site) Watch(w http.ResponseWriter, r *Request) (forwarded *http.Request) {
	if site.Hub.Live == nil || r.Identity == nil {
		return r.Request
	}
	r.site = site
	return site.Hub.Live.Watch(&r.running, (*watched)(r), r.SessionValue, w, r.Request)
}

// Done ends the watch of Watch. Without one it does nothing.
func (r *Request) Done() { r.running.Done() }

// watched is a running request, as [live.List] sees it.
type watched Request

// SessionID implements [live.Watched].
func (w *watched) SessionID() session.ID { return w.Identity.Session.ID }

// Check implements [live.Watched].
func (w *watched) Check(value string) live.Answer { return w.site.check((*Request)(w), value) }

// Successor implements [live.Watched].
func (w *watched) Successor() *live.Successor { return w.site.successorOf((*Request)(w)) }

// check says whether a request that a session let in may go on.
func (site *Site) check(r *Request, value string) live.Answer {
	id, err := site.identityOf(r, value, time.Now())
	if err == nil {
		err = site.mayStay(id)
	}
	if errors.Is(err, session.ErrReplaced) {
		err = site.keepsOpenID(r)
	}
	switch {
	case err == nil:
		return live.Valid
	case !NoSession(err):
		return live.Unavailable
	case errors.Is(err, session.ErrEnded):
		return live.Ended
	default:
		return live.NotFound
	}
}

// mayStay returns an error if the visitor of a running request may no longer be
// here (attack: a banned visitor, or one who unfollowed, keeps a socket open).
func (site *Site) mayStay(id *Identity) error {
	if site.refusalNow(id) != "" {
		return live.ErrOver
	}
	return nil
}
