package clients

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
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

// A ticket is redeemed in two hops. The first, at the page itself, burns nothing:
// it sets a cookie and leads to the second, which wants that cookie, burns the
// ticket, sets the session's cookie and leads to the page, whose address is as
// before but for the ticket. WeChat's servers fetch addresses again, without
// cookies (protocol facts, J2): they come to the page as strangers, and whoever
// reads the address in a log later finds the ticket burnt.
const (
	ticketPath      = request.Prefix + "ticket/"
	purposeHandOver = "handover"
)

// hop is what travels from the first hop to the second, sealed in its address.
type hop struct {
	Ticket  ticket `json:"t"`
	Binding []byte `json:"c"` // of the binding cookie's value and a secret of the browser
	target  string // behind the JSON, byte for byte
}

// HandOver is the first hop. Only a navigation is one, and only where the site has a
// mini program; other requests keep the parameter: taking it out of an address that
// is forwarded would break signatures over it. A navigation never reaches the
// upstream with it.
func (e Endpoints) HandOver(w http.ResponseWriter, r *site.Request) (answered bool) {
	if !strings.Contains(r.Original.RawQuery, "ticket") || r.Token.Sent || !e.Has(wechat.MiniProgram) || !request.IsNavigation(r.Request) {
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
	if len(tickets) == 1 && r.Method == http.MethodGet && takesTickets(r) { // two tickets are none
		next = e.secondHop(w, r, tickets[0], target)
	}
	site.ReturnTo(w, r, next)
	return true
}

// takesTickets reports whether the request can be a web-view's. A link, on another site
// or in a chat, may have been made to sign its readers in as somebody else (attack:
// login CSRF), and opens elsewhere: WeChat opens a mini program's web-view only for
// sites that its owner has proved to own. The User-Agent grants nothing here; who
// makes one up signs himself in.
func takesTickets(r *site.Request) bool {
	b := request.DetectBrowser(r.UserAgent())
	// What WeChat opens comes from no page: not from one of this site either, or of a
	// neighbour, where somebody may have left the link.
	from := r.Header.Get("Sec-Fetch-Site")
	return (b.MiniProgram || b.Family == request.FamilyDevtools) && (from == "none" || from == "" && fromWeChat(r.Header.Get("Referer")))
}

// fromWeChat reports whether a Referer is no page's: mini programs have one of WeChat's.
func fromWeChat(referer string) bool {
	return referer == "" || strings.HasPrefix(referer, "https://servicewechat.com/")
}

// cutTicket takes the parameter out of a query; everything else stays byte for byte.
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

// secondHop prepares the second hop and returns its path; the target itself where
// there is nothing to redeem, or the visitor is signed in as this person already.
func (e Endpoints) secondHop(w http.ResponseWriter, r *site.Request, sealed, target string) string {
	t, err := e.openTicket(r, sealed)
	if err != nil || e.Identify(r) == nil && r.Identity != nil && t.isOf(r.Identity.Person) {
		return target
	}
	value := rand.Text()
	digest := cookies.Ticket.Bind(value, r.BrowserSecret(w))
	path, err := e.sealHop(r, hop{Ticket: t, Binding: digest[:], target: target})
	if err != nil {
		e.LogFailed(slog.LevelError, "ticket not taken", flow.Flow{}, err)
		return target
	}
	cookies.Ticket.SetAt(w, r.CookieScope, ticketPath+t.ID, value) // sent to this second hop only
	return path
}

// sealHop returns the path of the second hop.
func (e Endpoints) sealHop(r *site.Request, h hop) (string, error) {
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

// openHop reads the path of the second hop. A hop whose time is over still opens:
// its target is good.
func (e Endpoints) openHop(r *site.Request) (h hop, ok bool) {
	id, sealed, _ := strings.Cut(strings.TrimPrefix(r.Original.EscapedPath(), ticketPath), "/")
	if len(id) == 0 || len(id) > 64 {
		return hop{}, false
	}
	plain, err := e.Hub.Keys.Open(purposeHandOver, r.Origin+"|"+id, sealed)
	if err != nil {
		return hop{}, false
	}
	head, target, _ := bytes.Cut(plain, []byte("\n"))
	if json.Unmarshal(head, &h) != nil {
		return hop{}, false
	}
	h.target = request.CleanTarget(string(target)) // checked again, as a flow's
	return h, true
}

// boundTo reports whether the request comes from the browser of the first hop.
func (h hop) boundTo(r *site.Request) bool { return r.BoundBy(cookies.Ticket, h.Binding) }

// redeemTicket is the second hop. It is posted to where the visitor was asked first.
func (e Endpoints) redeemTicket(w http.ResponseWriter, r *site.Request) {
	switch {
	case r.Method == http.MethodPost:
		if !e.ClickedHere(w, r) {
			return
		}
	case r.Method != http.MethodGet:
		response.MethodNotAllowed(w, http.MethodGet, http.MethodPost)
		return
	}
	h, ok := e.openHop(r)
	switch {
	case !ok:
		response.Redirect(w, http.StatusSeeOther, r.Origin+"/")
		return
	case !h.boundTo(r), e.checkTicket(h.Ticket) != nil:
		site.ReturnTo(w, r, h.target) // a stranger, or too late: nothing is burnt
		return
	case e.AsksFirst(w, r, h.Ticket.Person, r.Original.EscapedPath(), h.target):
		return
	}
	by := hex.EncodeToString(h.Binding)
	if err := e.Identify(r); err != nil {
		e.ticketUnavailable(w, r, err) // before the ticket is burnt
		return
	}
	who := site.VisitorOf(r)
	// Whoever comes second is told who was first: the same browser, to which WeChat
	// may do everything twice, gets the same session, any other one nothing.
	o, err := e.Hub.Memory.Once.Do(r.Context(), r.Hit("ticket", signin.OnceKey("ticket", r.Origin, h.Ticket.ID), by), func(ctx context.Context) (signin.Outcome, error) {
		return e.spendTicket(ctx, r.Origin, h.Ticket, by, who)
	})
	winner, value, _ := strings.Cut(o.Value, ".")
	lives := false
	if err == nil && winner == by {
		o.Value = value
		lives, err = e.Lives(r, o, h.Ticket.AppID)
	}
	switch {
	case err != nil && !site.IsNobody(err):
		e.ticketUnavailable(w, r, err)
		return
	case lives && e.SameKeys(r) == nil:
		e.SetSession(w, r, value, o.Session)
		cookies.Ticket.ClearAt(w, r.CookieScope, ticketPath+h.Ticket.ID)
	}
	// It gets no empty fragment, which it would after a dance: the one that the mini
	// program gave belongs to the page.
	site.ReturnTo(w, r, h.target)
}

func (e Endpoints) ticketUnavailable(w http.ResponseWriter, r *site.Request, err error) {
	e.LogUnavailable(r, e.Account, "", err)
	response.RetryIn(w, site.RetryStore)
	e.Show(w, r, page.Page{Kind: page.Unavailable, RetryAfter: site.RetryStore}, "unavailable", "Sign-in does not work at the moment. Please try again in a moment.")
}
