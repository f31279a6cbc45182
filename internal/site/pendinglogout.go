package site

import (
	"cmp"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/session"
)

// A logout that a store cannot save is answered 503, kept in
// [signout.Unfinished], and sealed into a cookie, the pending logout. Any later
// request of the browser completes it, even if this gateway has been restarted
// meanwhile. Completing it twice is harmless: ending is idempotent, and the
// event's id is derived from the session.

const purposePendingLogout = "logout"

// pendingLogout is a logout that is not complete.
type pendingLogout struct {
	Session []byte `json:"w"`
	AppID   string `json:"a,omitempty"` // "" is that of the official account
	Reason  string `json:"r"`
	At      int64  `json:"t"` // Unix seconds
}

// foundPendingLogout is a pending logout that a request brought.
type foundPendingLogout struct {
	pendingLogout
	session *session.Session
	cookie  cookies.Cookie
	place   cookies.Scope // the scope in the cookie's name
}

// CompleteLogout completes an earlier logout if the request has a pending
// logout. A value that is not ours, or too old, is no pending logout.
func (site *Site) CompleteLogout(w http.ResponseWriter, r *Request) error {
	found := site.pendingLogoutOf(w, r)
	if found == nil {
		return nil
	}
	return site.complete(w, r, found)
}

// TryCompleteLogout is CompleteLogout for a request to the app. Its visitor
// waits at most once for a store that hangs; after that the end is retried in
// the background.
func (site *Site) TryCompleteLogout(w http.ResponseWriter, r *Request) {
	found := site.pendingLogoutOf(w, r)
	if found == nil || site.Hub.Unfinished.HasLine(found.session.LineID()) || site.Hub.Unfinished.Full() {
		return
	}
	if err := site.complete(w, r, found); err != nil {
		site.LogFailed(r, slog.LevelError, NotComplete, flow.Flow{}, err)
	}
}

// NotComplete is the log text for an earlier sign-out that still fails.
const NotComplete = "a logout is still not complete"

func (site *Site) complete(w http.ResponseWriter, r *Request, found *foundPendingLogout) error {
	ctx, cancel := site.StoreContext(r)
	defer cancel()
	s := found.session
	kept, err := site.Hub.Unfinished.Retry(ctx, "", s.LineID())
	if !kept && !site.Hub.Unfinished.Completed(s.ID) {
		err = site.newEnding(r, s, found.Reason, time.Unix(found.At, 0)).FinishOrKeep(ctx, "")
	}
	if err == nil {
		found.cookie.Clear(w, found.place)
	}
	return err
}

// pendingLogoutOf returns the pending logout of a request, nil for none. It
// looks at all cookies of that name (attack: one planted in front of the true
// one keeps a logout from being completed). If none is a pending logout, it
// clears them.
func (site *Site) pendingLogoutOf(w http.ResponseWriter, r *Request) *foundPendingLogout {
	former := r.CookieScope.Former()
	for _, found := range []foundPendingLogout{
		{cookie: cookies.PendingLogout, place: r.CookieScope},
		{cookie: cookies.FormerPendingLogout, place: r.CookieScope},
		{cookie: cookies.FormerPendingLogout, place: former}, // cookies from before the port was part of the name
	} {
		values := found.cookie.Values(r.Request, found.place)
		for _, value := range values {
			if s, left, ok := site.readPendingLogout(r, value); ok {
				found.pendingLogout, found.session = left, s
				return &found
			}
		}
		if len(values) > 0 && found.place == r.CookieScope { // a name without the port may be another site's
			found.cookie.Clear(w, found.place)
		}
	}
	return nil
}

func (site *Site) readPendingLogout(r *Request, sealed string) (*session.Session, pendingLogout, bool) {
	if sealed == "" {
		return nil, pendingLogout{}, false
	}
	plain, err := site.Hub.Keys.Open(purposePendingLogout, site.Sealer(r).Bound, sealed)
	if err != nil {
		return nil, pendingLogout{}, false
	}
	var left pendingLogout
	s := &session.Session{Site: r.Origin}
	if json.Unmarshal(plain, &left) != nil || s.UnmarshalBinary(left.Session) != nil {
		return nil, pendingLogout{}, false
	}
	s.AppID = cmp.Or(left.AppID, site.Account.Credentials.AppID)
	age := time.Since(time.Unix(left.At, 0))
	return s, left, age < cookies.PendingLogoutLife && age > -session.MaxSkew
}

// setPendingLogout gives the browser the pending logout cookie. If the pending
// logout cannot be made, the visitor still has the session's cookie.
func (site *Site) setPendingLogout(w http.ResponseWriter, r *Request, s *session.Session, reason string, at time.Time) {
	if r.Token.Sent {
		return // the client has no cookies; it still has the token and can repeat the request
	}
	raw, err := s.MarshalBinary()
	if err != nil {
		return
	}
	plain, err := json.Marshal(pendingLogout{Session: raw, AppID: s.AppID, Reason: reason, At: at.Unix()})
	if err != nil {
		return
	}
	sealed, err := site.Hub.Keys.Seal(purposePendingLogout, site.Sealer(r).Bound, plain)
	if err != nil {
		return
	}
	cookies.PendingLogout.Set(w, r.CookieScope, sealed)
}
