package site

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/caches"
	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/session"
)

// A logout that a store does not take is answered 503, kept in [UnfinishedEnds],
// and sealed into a cookie, the receipt. Any later request of the browser completes
// it, also where this gateway has been started anew meanwhile. Done twice it is done
// once: ending is, and the event has an id that follows from the session.

const (
	purposeReceipt = "logout"
)

// receipt is a logout that is not complete.
type receipt struct {
	Session []byte `json:"w"`
	AppID   string `json:"a,omitempty"` // "" is that of the official account
	Reason  string `json:"r"`
	At      int64  `json:"t"` // Unix seconds
}

// EndByUpstream carries out X-Wechat-Logout: the session ends and its cookie
// goes. It must be called before the answer's headers are sent. The app's answer
// stands in any case, and may be finished.
func (site *Site) EndByUpstream(w http.ResponseWriter, r *Request) {
	if r.Identity == nil {
		return
	}
	if r.Header.Get("Upgrade") == "" {
		r.running.Farewell()
	}
	if err := site.LogOut(w, r, audit.ReasonUpstream); err != nil {
		site.LogFailed(slog.LevelError, "session not ended for the upstream", flow.Flow{}, err)
	}
	site.ClearCookies(w, r)
	// Whatever the app says: an answer that signs one visitor out is for that one
	// (attack: a shared cache hands its cookies to everybody).
	caches.Forbid(w.Header())
}

// ClearCookies forgets everything about the visitor in the browser, but not a
// logout to be completed.
func (site *Site) ClearCookies(w http.ResponseWriter, r *Request) {
	if r.Token.Sent {
		return // the browser's own cookie, if there is one, may be somebody else's
	}
	r.clearSession(w)
	r.HeldSecrets().Clear(w, r.Place) // what was begun in this browser ends nowhere
	cookies.Landed.Clear(w, r.Place)
	if r.Asked > 0 {
		site.SetAsked(w, r, 0)
	}
}

// LogOut ends the request's session and tells of it. On an error the rest is kept,
// and is in the receipt.
func (site *Site) LogOut(w http.ResponseWriter, r *Request, reason string) error {
	s := r.Identity.Session
	ctx, cancel := site.StoreContext(r)
	defer cancel()
	now := time.Now()
	err := site.newEnding(r, &s, reason, now).FinishOrKeep(ctx, r.SessionValue)
	site.Forget(r)
	if err != nil {
		site.giveReceipt(w, r, &s, reason, now)
	}
	return err
}

// giveReceipt has the browser keep what is left to do. Where the cookie cannot be
// made the visitor still has the session's.
func (site *Site) giveReceipt(w http.ResponseWriter, r *Request, s *session.Session, reason string, at time.Time) {
	if r.Token.Sent {
		return // the client has no cookies; it still has the token, and asks again
	}
	raw, err := s.MarshalBinary()
	if err != nil {
		return
	}
	plain, err := json.Marshal(receipt{Session: raw, AppID: s.AppID, Reason: reason, At: at.Unix()})
	if err != nil {
		return
	}
	sealed, err := site.Hub.Keys.Seal(purposeReceipt, site.Sealer(r).Bound, plain)
	if err != nil {
		return
	}
	cookies.Receipt.Set(w, r.Place, sealed)
}
