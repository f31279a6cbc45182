package clients

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/limit"
	"github.com/caddy-wechat/gateway/internal/outage"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// A mini program shows pages of the site in a web-view, which has its own
// cookies and no token. The mini program asks for a ticket and opens
//
//	https://site/any/page?x=1&wechat_ticket=<ticket>
//
// and the web-view is signed in as the same person. See
// [Endpoints.ServeTicketLink].
const (
	// TicketParameter is the query parameter that carries a ticket.
	TicketParameter = "wechat_ticket"

	purposeTicket = "ticket"
)

// ticketRate limits the tickets of one person at one instance, over all sites.
var ticketRate = limit.Rate{Burst: 30, Every: 2 * time.Second}

// errTicket reports a text that is not a valid ticket for this site.
var errTicket = errors.New("clients: no such ticket")

// ticket names the person and the session that asked for it. It is sealed, and
// bound to the site.
type ticket struct {
	ID      string `json:"i"` // random; marks the ticket as used
	Person  string `json:"p"`
	AppID   string `json:"a"`
	OpenID  string `json:"o"`
	Session []byte `json:"s"` // id of the session that asked; the ticket ends with it
	Created int64  `json:"c"` // when that session was made, in Unix seconds
	Value   string `json:"v"` // value of that session: only the store knows whether it has ended
	Until   int64  `json:"u"` // Unix milliseconds
}

// name names the sign-in by the ticket in the log. It opens nothing: a ticket
// is sealed, and its id alone is not accepted.
func (t ticket) name() string { return audit.ShortID(t.ID) }

// issueTicket gives the client a ticket for the web-view that it will open.
func (e Endpoints) issueTicket(w http.ResponseWriter, r *site.Request, a wechat.Account) {
	if !e.requireTokenOf(w, r, a) {
		return
	}
	s := r.Identity.Session
	// The limit is per person, not per session: a ticket makes another session,
	// which can ask for tickets, too (attack: one visitor fills the store).
	if ok, _ := e.Hub.Memory.Tickets.Take(s.Person, "", ticketRate); !ok {
		response.RetryIn(w, time.Minute)
		response.WriteError(w, http.StatusTooManyRequests, "too_frequent", "Too many tickets in this minute.")
		return
	}
	sealed, err := e.sealTicket(r, ticket{
		ID: rand.Text(), Person: s.Person, AppID: s.AppID, OpenID: s.OpenID,
		Session: s.ID[:], Created: s.Created.Unix(), Value: r.Token.Value, Until: time.Now().Add(cookies.TicketLife).UnixMilli(),
	})
	if err != nil {
		e.UnavailableJSON(w, r, a, site.RetryStore, err)
		return
	}
	e.SignIns().Begin(a.Name, signin.ByTicket)
	response.WriteJSON(w, http.StatusOK, map[string]any{
		"code": http.StatusOK, "ticket": sealed, "expires_in": int(cookies.TicketLife.Seconds()), "parameter": TicketParameter,
	})
}

func (e Endpoints) sealTicket(r *site.Request, t ticket) (string, error) {
	plain, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("clients: encode ticket: %w", err)
	}
	sealed, err := e.Hub.Keys.Seal(purposeTicket, r.Origin, plain)
	if err != nil {
		return "", fmt.Errorf("clients: seal ticket: %w", err)
	}
	return sealed, nil
}

// openTicket reads a ticket of this site that is still valid.
func (e Endpoints) openTicket(r *site.Request, sealed string) (ticket, error) {
	plain, err := e.Hub.Keys.Open(purposeTicket, r.Origin, sealed)
	if err != nil {
		return ticket{}, fmt.Errorf("%w: %w", errTicket, err)
	}
	var t ticket
	if err := json.Unmarshal(plain, &t); err != nil {
		return ticket{}, fmt.Errorf("%w: %w", errTicket, err)
	}
	return t, e.checkTicket(t)
}

// checkTicket returns an error if a ticket has expired, if the session that
// asked for it has ended, or if the site no longer has the account.
func (e Endpoints) checkTicket(t ticket) error {
	left := time.Until(time.UnixMilli(t.Until))
	if left <= 0 || left > cookies.TicketLife+session.MaxSkew || len(t.Session) != len(session.ID{}) || !e.Admits(t.AppID) {
		return errTicket
	}
	asked := session.Session{ID: session.ID(t.Session), Person: t.Person, Created: time.Unix(t.Created, 0)}
	if e.Hub.CheckEnded(&asked) != nil {
		return errTicket
	}
	return nil
}

// countUnused counts the end of a sign-in with a ticket that this browser may
// not use, or that is no longer valid. An account that is gone has no row.
func (e Endpoints) countUnused(t ticket, bound bool) {
	how := signin.Expired
	if !bound {
		how = signin.CookieMissing
	}
	e.SignIns().End(e.AccountOf(t.AppID).Name, signin.ByTicket, how)
}

// isOf reports whether the ticket belongs to a person, also under an older id.
func (t ticket) isOf(p ledger.Person) bool { return p.Is(t.Person) }

// markUsed marks a ticket as used, permanently: the result that instances share
// can be lost in a restart or in a store failure (attack: a ticket used twice).
func (e Endpoints) markUsed(ctx context.Context, t ticket) error {
	sum := sha256.Sum256([]byte("ticket " + t.ID))
	mark := [16]byte(sum[:])
	if e.Hub.Ended != nil && e.Hub.Ended(mark) {
		return fmt.Errorf("clients: the ticket was already used: %w", session.ErrEnded)
	}
	if err := e.Hub.Ledger.EndSession(ctx, mark, time.Now().Add(2*cookies.TicketLife)); err != nil {
		return fmt.Errorf("clients: mark a ticket as used: %w", outage.During(outage.CallWrite, err))
	}
	return nil
}
