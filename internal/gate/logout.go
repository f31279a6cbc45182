package gate

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// A logout is two things: the session ends, and the business systems hear of it.
// Neither waits for the other: a visitor who leaves a borrowed phone must be
// signed out even while nothing can be told. What could not be done is answered
// 503 and sealed into a cookie, the receipt, with which the browser's next
// request to any endpoint of ours does it: the repeated logout, or the next
// sign-in. Done twice it is done once: ending is, and the event has an id that
// follows from the session.

const (
	purposeReceipt = "logout"

	// receiptTTL is how long a logout can be completed. The ledger knows for as
	// long what it was told.
	receiptTTL = 23 * time.Hour
)

// receipt is a logout that is not complete.
type receipt struct {
	Session []byte `json:"w"`
	AppID   string `json:"a,omitempty"` // "" is that of the official account
	Reason  string `json:"r"`
	At      int64  `json:"t"` // Unix seconds
}

// logoutEndpoint ends the session itself, not only its cookie (attack:
// CVE-2024-21492).
func (g *Gate) logoutEndpoint(w http.ResponseWriter, r *Request) {
	if !g.postedHere(w, r) {
		return
	}
	if err := g.identify(r); err != nil {
		g.unavailable(w, r, retryStore, Flow{}, err)
		return
	}
	err := r.unsettled // of a logout before this one
	if r.id != nil {
		err = g.logOut(w, r, reasonVisitor)
	}
	if err != nil {
		g.unavailable(w, r, retryStore, Flow{}, err)
		return
	}
	g.clearCookies(w, r)
	if !wantsPage(r.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"code": http.StatusOK})
		return
	}
	g.write(w, r, page.Page{Kind: page.SignedOut, ContinueURL: loginPath("/", wechat.ScopeBase)})
}

// EndByUpstream carries out X-Wechat-Logout: the session ends and its cookie
// goes. It must be called before the answer's headers are sent. The app's answer
// stands in any case, and may be finished.
func (g *Gate) EndByUpstream(w http.ResponseWriter, r *Request) {
	if r.id == nil {
		return
	}
	if r.Header.Get("Upgrade") == "" {
		r.running.leaving.Store(farewell)
	}
	if err := g.logOut(w, r, reasonUpstream); err != nil {
		g.logWeChat(slog.LevelError, "session not ended for the upstream", Flow{}, err)
	}
	g.clearCookies(w, r)
	// Whatever the app says: an answer that signs one visitor out is for that one
	// (attack: a shared cache hands its cookies to everybody).
	forbidCaches(w.Header())
}

// clearCookies forgets everything about the visitor in the browser, but not a
// logout to be completed.
func (g *Gate) clearCookies(w http.ResponseWriter, r *Request) {
	if r.token.sent {
		return // the browser's own cookie, if there is one, may be somebody else's
	}
	r.clearSession(w)
	r.clearBrowserSecrets(w) // what was begun in this browser ends nowhere
	landedCookie.Clear(w, r.site)
	if r.asked > 0 {
		g.setAsked(w, r, 0)
	}
}

// logOut ends the request's session and tells of it. On an error the rest is in
// the receipt.
func (g *Gate) logOut(w http.ResponseWriter, r *Request, reason string) error {
	s := r.id.session
	ctx, cancel := g.storeContext(r)
	defer cancel()
	now := time.Now()
	err := g.settle(ctx, &s, reason, now)
	g.forget(r)
	if err != nil {
		g.giveReceipt(w, r, &s, reason, now)
		return err
	}
	g.Logger.Info("signed out", slog.String("session", s.ID.Short()))
	g.audit(r, AuditRecord{Action: ActionLogout, Reason: reason})
	return nil
}

// settle does both halves of a logout, the second one too when the first fails.
// The notice comes first: somebody who dies in between has the visitor repeat it.
func (g *Gate) settle(ctx context.Context, s *session.Session, reason string, at time.Time) error {
	var told error
	if !s.Guest { // a virtual visitor is nobody's customer
		told = g.tell(ctx, s, ledger.Event{
			ID: EventID(ledger.LoggedOut, s.ID.String()), Kind: ledger.LoggedOut, Reason: reason, At: at,
		})
	}
	ended := g.Hub.Store.End(ctx, s)
	if ended != nil {
		ended = fmt.Errorf("gate: end session: %w", during(callEnd, ended))
	} else {
		g.worked(downEnd)
	}
	var buried error
	if g.accountOf(s.AppID).Kind.holdsTokens() {
		// A ticket may be on its way, and names the session by its id, by which not
		// every store can tell whether it is over (attack: a ticket outlives the
		// logout of who asked for it).
		buried = during(callWrite, g.Hub.Ledger.EndSession(ctx, s.ID, time.Now().Add(2*ticketTTL)))
	}
	return errors.Join(told, ended, buried)
}

// giveReceipt has the browser keep what is left to do. Where the cookie cannot be
// made the visitor still has the session's.
func (g *Gate) giveReceipt(w http.ResponseWriter, r *Request, s *session.Session, reason string, at time.Time) {
	if r.token.sent {
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
	sealed, err := g.Hub.Keys.Seal(purposeReceipt, g.sealer(r).bound, plain)
	if err != nil {
		return
	}
	receiptCookie.Set(w, r.site, sealed)
}

// redeem completes a logout of before, if the request has a receipt. What is not
// ours, or too old, is none.
func (g *Gate) redeem(w http.ResponseWriter, r *Request) error {
	named := r.site
	values := receiptCookie.Values(r.Request, named)
	if len(values) == 0 && named.port != "" {
		named = named.former() // of a logout before the port was a part of the name
		values = receiptCookie.Values(r.Request, named)
	}
	if strings.Join(values, "") == "" {
		return nil
	}
	s, left, ok := g.firstReceipt(r, values)
	switch {
	case ok:
		ctx, cancel := g.storeContext(r)
		defer cancel()
		at := time.Unix(left.At, 0)
		if err := g.settle(ctx, s, left.Reason, at); err != nil {
			return err
		}
		g.audit(r, AuditRecord{Action: ActionLogout, Reason: left.Reason, User: s.Person, Session: s.ID})
	case named != r.site:
		return nil // a neighbour's
	}
	receiptCookie.Clear(w, named)
	return nil
}

// firstReceipt reads the first value that is a receipt: others may be planted.
func (g *Gate) firstReceipt(r *Request, values []string) (s *session.Session, left receipt, ok bool) {
	for _, value := range values {
		if s, left, ok = g.readReceipt(r, value); ok {
			break
		}
	}
	return s, left, ok
}

func (g *Gate) readReceipt(r *Request, sealed string) (*session.Session, receipt, bool) {
	plain, err := g.Hub.Keys.Open(purposeReceipt, g.sealer(r).bound, sealed)
	if err != nil {
		return nil, receipt{}, false
	}
	var left receipt
	s := &session.Session{Site: r.origin}
	if json.Unmarshal(plain, &left) != nil || s.UnmarshalBinary(left.Session) != nil {
		return nil, receipt{}, false
	}
	s.AppID = cmp.Or(left.AppID, g.Account.Credentials.AppID)
	age := time.Since(time.Unix(left.At, 0))
	return s, left, age < receiptTTL && age > -session.MaxSkew
}
