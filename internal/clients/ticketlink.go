package clients

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/flow"
	"github.com/caddy-wechat/gateway/internal/page"
	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/response"
	"github.com/caddy-wechat/gateway/internal/signin"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
)

// A ticket is redeemed in two hops. The first, at the page itself, uses nothing
// up: it sets a cookie and redirects to the second. The second requires that
// cookie, uses up the ticket, sets the session's cookie and redirects to the
// page's address without the ticket. WeChat's servers fetch addresses again,
// without cookies (wechat-protocol J2): they get the page without a session,
// and a ticket read later in a log is already used.
const (
	ticketPath      = request.Prefix + "ticket/"
	purposeHandOver = "handover"
)

// ticketStep is sealed in the address of the second hop by the first.
type ticketStep struct {
	Ticket  ticket `json:"t"`
	Binding []byte `json:"c"` // digest of the binding cookie's value and a secret of the browser
	target  string // follows the JSON, byte for byte
}

// ServeTicketLink is the first hop. It handles navigations only, on sites with
// a mini program; other requests keep the parameter, because removing it from a
// forwarded address would break signatures of that address. A navigation never
// reaches the upstream with it.
func (e Endpoints) ServeTicketLink(w http.ResponseWriter, r *site.Request) (answered bool) {
	if !strings.Contains(r.Original.RawQuery, "ticket") || r.Token.Sent || !e.HasKind(wechat.MiniProgram) || !request.IsNavigation(r.Request) {
		return false
	}
	tickets, rest := cutTicket(r.Original.RawQuery)
	if len(tickets) == 0 {
		return false
	}
	clean := *r.Original
	clean.RawQuery, clean.ForceQuery = rest, false
	target := request.CleanTarget(clean.RequestURI())
	next := target
	if len(tickets) == 1 && r.Method == http.MethodGet && takesTickets(r) { // two tickets count as none
		next = e.secondStep(w, r, tickets[0], target)
	}
	site.ReturnTo(w, r, next)
	return true
}

// takesTickets reports whether the request can come from a web-view. A link on
// another site or in a chat may try to sign visitors in as another person
// (attack: login CSRF), but it opens outside a web-view: WeChat opens a mini
// program's web-view only for sites whose ownership the mini program's owner
// has proved. The User-Agent grants nothing here; a client that forges it can
// only sign itself in.
func takesTickets(r *site.Request) bool {
	b := request.DetectBrowser(r.UserAgent())
	// A web-view that WeChat opens has no referring page. A page may contain a
	// planted link, also one of this site or of a neighbour.
	from := r.Header.Get("Sec-Fetch-Site")
	return (b.MiniProgram || b.Family == request.FamilyDevtools) && (from == "none" || from == "" && fromWeChat(r.Header.Get("Referer")))
}

// fromWeChat reports whether a Referer names no page: it is empty or, from mini
// programs, WeChat's own.
func fromWeChat(referer string) bool {
	return referer == "" || strings.HasPrefix(referer, "https://servicewechat.com/")
}

// cutTicket removes the parameter from a query; everything else stays byte for
// byte.
func cutTicket(rawQuery string) (tickets []string, rest string) {
	var kept []string
	for part := range strings.SplitSeq(rawQuery, "&") {
		name, value, _ := strings.Cut(part, "=")
		if plain, err := url.QueryUnescape(name); err == nil && plain == TicketParameter {
			tickets = append(tickets, value)
			continue
		}
		kept = append(kept, part)
	}
	return tickets, strings.Join(kept, "&")
}

// secondStep prepares the second hop and returns its path. It returns the
// target if the ticket is not valid, or the visitor is already signed in as
// this person.
func (e Endpoints) secondStep(w http.ResponseWriter, r *site.Request, sealed, target string) string {
	t, err := e.openTicket(r, sealed)
	r.Flow = t.name()
	if err != nil && t.AppID != "" {
		e.countUnused(t, true)
	}
	if err != nil || e.Identify(r) == nil && r.Identity != nil && t.isOf(r.Identity.Person) {
		return target
	}
	value := rand.Text()
	digest := cookies.Ticket.Bind(value, r.BrowserSecret(w))
	path, err := e.sealStep(r, ticketStep{Ticket: t, Binding: digest[:], target: target})
	if err != nil {
		e.LogFailed(r, slog.LevelError, "could not hand over a ticket", flow.Flow{}, err)
		return target
	}
	cookies.Ticket.SetAt(w, r.CookieScope, ticketPath+t.ID, value) // sent to this second hop only
	return path
}

// sealStep returns the path of the second hop.
func (e Endpoints) sealStep(r *site.Request, h ticketStep) (string, error) {
	plain, err := json.Marshal(h)
	if err != nil {
		return "", fmt.Errorf("clients: encode hand-over: %w", err)
	}
	sealed, err := e.Hub.Keys.Seal(purposeHandOver, r.Origin+"|"+h.Ticket.ID, append(append(plain, '\n'), h.target...))
	if err != nil {
		return "", fmt.Errorf("clients: seal hand-over: %w", err)
	}
	return ticketPath + h.Ticket.ID + "/" + sealed, nil
}

// openStep reads the path of the second hop. An expired hop still opens,
// because its target is still valid.
func (e Endpoints) openStep(r *site.Request) (h ticketStep, ok bool) {
	id, sealed, _ := strings.Cut(strings.TrimPrefix(r.Original.EscapedPath(), ticketPath), "/")
	if len(id) == 0 || len(id) > 64 {
		return ticketStep{}, false
	}
	plain, err := e.Hub.Keys.Open(purposeHandOver, r.Origin+"|"+id, sealed)
	if err != nil {
		return ticketStep{}, false
	}
	head, target, _ := bytes.Cut(plain, []byte("\n"))
	if json.Unmarshal(head, &h) != nil {
		return ticketStep{}, false
	}
	h.target = request.CleanTarget(string(target)) // checked again, like a flow's target
	return h, true
}

// boundTo reports whether the request comes from the browser of the first hop.
func (h ticketStep) boundTo(r *site.Request) bool { return r.BoundBy(cookies.Ticket, h.Binding) }

// redeemTicket is the second hop. If the visitor was asked first, the page
// posts to it.
func (e Endpoints) redeemTicket(w http.ResponseWriter, r *site.Request) {
	switch {
	case r.Method == http.MethodPost:
		if !e.RequireOwnForm(w, r) {
			return
		}
	case r.Method != http.MethodGet:
		response.MethodNotAllowed(w, http.MethodGet, http.MethodPost)
		return
	}
	h, ok := e.openStep(r)
	r.Flow = h.Ticket.name()
	switch {
	case !ok:
		response.Redirect(w, http.StatusSeeOther, r.Origin+"/")
		return
	case !h.boundTo(r), e.checkTicket(h.Ticket) != nil:
		e.countUnused(h.Ticket, h.boundTo(r))
		site.ReturnTo(w, r, h.target) // another browser, or too late: the ticket stays unused
		return
	case e.ConfirmOtherPerson(w, r, h.Ticket.Person, r.Original.EscapedPath(), h.target):
		return
	}
	by := hex.EncodeToString(h.Binding)
	if err := e.Identify(r); err != nil {
		e.SignIns().End(e.AccountOf(h.Ticket.AppID).Name, signin.ByTicket, signin.StoreUnavailable)
		e.ticketUnavailable(w, r, err) // the ticket is not used yet
		return
	}
	who := site.VisitorOf(r)
	// WeChat may send a request twice: a second hit of the same browser gets
	// the same session, another browser gets none.
	hit := r.Hit("ticket", signin.OnceKey("ticket", r.Origin, h.Ticket.ID), by)
	o, err := e.Signer().RunOnce(r.Context(), hit, e.AccountOf(h.Ticket.AppID).Name, signin.ByTicket, func(ctx context.Context) (signin.Outcome, error) {
		return e.signInByTicket(ctx, r.Origin, h.Ticket, by, who)
	})
	winner, value, _ := strings.Cut(o.Value, ".")
	lives := false
	if err == nil && winner == by {
		o.Value = value
		lives, err = e.OutcomeValid(r, o, h.Ticket.AppID)
	}
	switch {
	case errors.Is(err, signin.ErrNotAllowed):
		e.NotAllowed(w, r, h.target)
		return
	case err != nil && !site.NoSession(err):
		e.ticketUnavailable(w, r, err)
		return
	case lives && e.CheckKeysUnchanged(r) == nil:
		e.SetSession(w, r, value, o.Session)
		cookies.Ticket.ClearAt(w, r.CookieScope, ticketPath+h.Ticket.ID)
	}
	// Unlike after a dance no empty fragment is added: a fragment that the mini
	// program set belongs to the page.
	site.ReturnTo(w, r, h.target)
}

func (e Endpoints) ticketUnavailable(w http.ResponseWriter, r *site.Request, err error) {
	e.LogUnavailable(r, e.Account, "", err)
	response.RetryIn(w, site.RetryStore)
	e.Show(w, r, page.Page{Kind: page.Unavailable, RetryAfter: site.RetryStore}, "unavailable", "Sign-in does not work at the moment. Please try again in a moment.")
}
