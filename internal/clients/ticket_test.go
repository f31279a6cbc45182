package clients

import (
	"crypto/rand"
	"errors"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/cookies"
	"github.com/caddy-wechat/gateway/internal/site"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

func ticketGate(t testing.TB) (Endpoints, *site.Request) {
	t.Helper()
	hub := &site.Hub{Keys: testRing(t, "k"), Ended: func([16]byte) bool { return false }}
	mini := wechat.Account{Kind: wechat.MiniProgram, Name: "mini", Credentials: wechat.Credentials{AppID: "wxmini"}}
	return Endpoints{Site: &site.Site{Hub: hub, OtherAccounts: []wechat.Account{mini}}}, &site.Request{Request: newRequest(t, "GET", "/"), Origin: shopOrigin, CookieScope: cookies.Scope{Secure: true}}
}

func newTicket() ticket {
	id := session.NewID()
	return ticket{
		ID: rand.Text(), Person: "person", AppID: "wxmini", OpenID: "openid", Session: id[:],
		Created: time.Now().Unix(), Until: time.Now().Add(cookies.TicketLife).UnixMilli(),
	}
}

func TestTicketIsGoodForAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, r := ticketGate(t)
		sealed, err := g.sealTicket(r, newTicket())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(cookies.TicketLife - time.Millisecond)
		if _, err := g.openTicket(r, sealed); err != nil {
			t.Errorf("in time: %v", err)
		}
		time.Sleep(time.Millisecond)
		if _, err := g.openTicket(r, sealed); !errors.Is(err, errTicket) {
			t.Errorf("too late: %v", err)
		}
		far := newTicket()
		far.Until = time.Now().Add(time.Hour).UnixMilli() // a clock that is wrong
		if sealed, err = g.sealTicket(r, far); err != nil {
			t.Fatal(err)
		}
		if _, err := g.openTicket(r, sealed); !errors.Is(err, errTicket) {
			t.Errorf("from the future: %v", err)
		}
	})
}

// A ticket of another site, or of an account that the site admits no more, is
// none.
func TestTicketIsBound(t *testing.T) {
	t.Parallel()
	g, r := ticketGate(t)
	sealed, err := g.sealTicket(r, newTicket())
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := &site.Request{Request: r.Request, Origin: "https://other.example.com"}
	if _, err := g.openTicket(elsewhere, sealed); !errors.Is(err, errTicket) {
		t.Errorf("another site: %v", err)
	}
	g.OtherAccounts = nil
	if _, err := g.openTicket(r, sealed); !errors.Is(err, errTicket) {
		t.Errorf("an account that is gone: %v", err)
	}
}

// Whatever an address holds, it is the same without the ticket, and no ticket
// stays.
func FuzzCutTicket(f *testing.F) {
	for _, seed := range []string{"", "a=1", "wechat_ticket", "wechat_ticket=x&a=%2F", "a&wechat%5Fticket=x&&b;c", "%zz=1&wechat_ticket=%zz", "&&wechat_ticket=&"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		tickets, rest := cutTicket(raw)
		if len(tickets) == 0 && rest != raw {
			t.Fatalf("%q became %q", raw, rest)
		}
		if again, same := cutTicket(rest); len(again) != 0 || same != rest {
			t.Fatalf("%q still holds %q", rest, again)
		}
		q, _ := url.ParseQuery(rest)
		if q.Has(TicketParameter) {
			t.Fatalf("the app reads a ticket in %q", rest)
		}
		before, _ := url.ParseQuery(raw)
		delete(before, TicketParameter)
		if before.Encode() != q.Encode() {
			t.Fatalf("%q lost more than the ticket: %q", raw, rest)
		}
	})
}
